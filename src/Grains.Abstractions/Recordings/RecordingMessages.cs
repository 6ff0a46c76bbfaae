using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Abstractions.Recordings;

/// <summary>Where a recording stands. It goes from the left to the right, and never back.</summary>
[GenerateSerializer]
public enum RecordingStatus
{
    /// <summary>Asked for; the media node has not said yet that it writes.</summary>
    Starting = 0,

    /// <summary>The media node writes.</summary>
    Recording = 1,

    /// <summary>Over. Files that are still being closed are not <see cref="RecordingFile.IsComplete"/>.</summary>
    Stopped = 2,

    /// <summary>It never began, or broke off. What was written until then is there.</summary>
    Failed = 3,
}

/// <summary>What a file holds.</summary>
[GenerateSerializer]
public enum RecordingFileKind
{
    /// <summary>One participant's voice: Ogg Opus.</summary>
    Audio = 0,

    /// <summary>All voices in one: Ogg Opus.</summary>
    Mix = 1,

    /// <summary>One participant's picture and voice: WebM.</summary>
    Video = 2,
}

/// <summary>What is to be written, and when to end by itself.</summary>
/// <param name="Participants">A file of each participant's voice.</param>
/// <param name="Mix">A file of all voices.</param>
/// <param name="Video">WebM files of those who send video.</param>
/// <param name="MaxDuration">The recording stops by itself after this time.</param>
/// <param name="MaxBytes">And when all its files together have so many bytes.</param>
[GenerateSerializer, Immutable, Alias("vc.RecordingPlan")]
public sealed record RecordingPlan(
    [property: Id(0)] bool Participants,
    [property: Id(1)] bool Mix,
    [property: Id(2)] bool Video,
    [property: Id(3)] TimeSpan MaxDuration,
    [property: Id(4)] long MaxBytes);

/// <summary>A request to record a room.</summary>
/// <param name="CallId">The call session that it belongs to: who may stop it and fetch its files is that call's business.</param>
/// <param name="Room">The room's name.</param>
/// <param name="StartedBy">Who asked for it.</param>
/// <param name="StartedByText">The same as its door shows it.</param>
[GenerateSerializer, Immutable, Alias("vc.RecordingRequest")]
public sealed record RecordingRequest(
    [property: Id(0)] Guid CallId,
    [property: Id(1)] string Room,
    [property: Id(2)] Guid StartedBy,
    [property: Id(3)] string StartedByText,
    [property: Id(4)] RecordingPlan Plan);

/// <summary>A recording with the index of its files.</summary>
/// <param name="Error">Why it failed, one sentence; else null.</param>
[GenerateSerializer, Immutable, Alias("vc.RecordingInfo")]
public sealed record RecordingInfo(
    [property: Id(0)] Guid Id,
    [property: Id(1)] Guid CallId,
    [property: Id(2)] string Room,
    [property: Id(3)] Guid StartedBy,
    [property: Id(4)] string StartedByText,
    [property: Id(5)] RecordingPlan Plan,
    [property: Id(6)] RecordingStatus Status,
    [property: Id(7)] DateTimeOffset CreatedAt,
    [property: Id(8)] DateTimeOffset? StartedAt,
    [property: Id(9)] DateTimeOffset? EndedAt,
    [property: Id(10)] string? Error,
    [property: Id(11)] RecordingFile[] Files)
{
    /// <summary>Whether nothing more will be recorded.</summary>
    public bool IsOver => Status is RecordingStatus.Stopped or RecordingStatus.Failed;
}

/// <summary>One file of a recording. Its name is unique among those of one recording, also when several nodes wrote them.</summary>
/// <param name="Name">A plain file name: letters, digits, dot, dash and underscore.</param>
/// <param name="ParticipantId">Whose it is; null for the mix.</param>
/// <param name="UserText">The participant as its door shows it; null for the mix.</param>
/// <param name="ContentType">audio/ogg or video/webm.</param>
/// <param name="StartedAt">When its first sample was taken.</param>
/// <param name="IsComplete">Whether it has been closed. One that is not can be read as far as it goes.</param>
/// <param name="Node">The media node that has it.</param>
/// <param name="Url">Where frontends fetch it from, at that node; it answers GET with ranges. Not for clients.</param>
[GenerateSerializer, Immutable, Alias("vc.RecordingFile")]
public sealed record RecordingFile(
    [property: Id(0)] string Name,
    [property: Id(1)] RecordingFileKind Kind,
    [property: Id(2)] string? ParticipantId,
    [property: Id(3)] Guid? UserId,
    [property: Id(4)] string? UserText,
    [property: Id(5)] string ContentType,
    [property: Id(6)] long Size,
    [property: Id(7)] TimeSpan Duration,
    [property: Id(8)] DateTimeOffset StartedAt,
    [property: Id(9)] bool IsComplete,
    [property: Id(10)] string Node,
    [property: Id(11)] string Url);

/// <summary>What a media node says of a recording, when its state changes, and after a restart for what it finds on its disk.</summary>
/// <param name="Status">Recording, Stopped or Failed.</param>
/// <param name="Error">With Failed: one sentence.</param>
/// <param name="Files">All files that this node has of the recording, those of earlier starts included.</param>
[GenerateSerializer, Immutable, Alias("vc.RecordingReport")]
public sealed record RecordingReport(
    [property: Id(0)] MediaNodeId Node,
    [property: Id(1)] RecordingStatus Status,
    [property: Id(2)] string? Error,
    [property: Id(3)] RecordingFile[] Files);
