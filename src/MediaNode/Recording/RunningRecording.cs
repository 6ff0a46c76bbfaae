using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Media.Recording;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>One stretch of a recording while it is written. The writer's thread's own, but for what is immutable.</summary>
internal sealed class RunningRecording(Guid id, string room, RecordingPlan plan, WorkerThread worker, long startedAt)
{
    public Guid Id => id;

    public string Room => room;

    public RecordingPlan Plan => plan;

    /// <summary>The room's worker.</summary>
    public WorkerThread Worker => worker;

    /// <summary>`now` of its beginning.</summary>
    public long StartedAt => startedAt;

    /// <summary>True once the recording is to end, and not this node's part of it alone.</summary>
    public volatile bool IsStopped;

    public RecordingPart? Part { get; set; }

    public RecordingShelf.StretchFiles? Files { get; set; }

    /// <summary>Set, and used, on the worker's thread.</summary>
    public RecorderTransport? Recorder { get; set; }

    /// <summary>Bytes that earlier stretches of it have on this node.</summary>
    public long BytesBefore { get; set; }

    public int FilesNoted { get; set; }

    public long NotedAt { get; set; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; set; }
}
