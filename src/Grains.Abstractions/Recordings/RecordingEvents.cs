using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Abstractions.Recordings;

/// <summary>A recording was started, stopped or failed. The key is the recording's id.</summary>
[GenerateSerializer, Immutable, Alias("vc.RecordingEvent")]
public sealed record RecordingEvent(
    Guid Id,
    string Type,
    DateTimeOffset Time,
    [property: Id(0)] Guid RecordingId,
    [property: Id(1)] Guid CallId,
    [property: Id(2)] string Room,
    [property: Id(3)] Guid StartedBy,
    [property: Id(4)] RecordingStatus Status,
    [property: Id(5)] string? Error,
    [property: Id(6)] RecordingEventFile[] Files)
    : DomainEvent(Id, Type, RecordingId.ToString(), Time);

/// <summary>A file as the world is told of it.</summary>
[GenerateSerializer, Immutable, Alias("vc.RecordingEventFile")]
public sealed record RecordingEventFile(
    [property: Id(0)] string Name,
    [property: Id(1)] RecordingFileKind Kind,
    [property: Id(2)] Guid? UserId,
    [property: Id(3)] long Size,
    [property: Id(4)] double DurationSeconds,
    [property: Id(5)] bool IsComplete);
