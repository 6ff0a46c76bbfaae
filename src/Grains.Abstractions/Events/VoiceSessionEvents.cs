namespace VoiceCluster.Abstractions.Events;

/// <summary>A voice session was created, changed or ended. The key is the session's id.</summary>
/// <param name="Reason">Why it ended, in snake_case; null while it lives.</param>
[GenerateSerializer, Immutable, Alias("vc.VoiceSessionEvent")]
public sealed record VoiceSessionEvent(
    Guid Id,
    string Type,
    DateTimeOffset Time,
    [property: Id(0)] string SessionId,
    [property: Id(1)] Guid UserId,
    [property: Id(2)] string ChannelId,
    [property: Id(3)] bool Mute,
    [property: Id(4)] bool Deaf,
    [property: Id(5)] string? Reason)
    : DomainEvent(Id, Type, SessionId, Time);

/// <summary>A user began or ceased to speak. Transient. The key is the session's id.</summary>
/// <param name="Level">dBov, −127 (silent) to 0 (loudest), RFC 6464.</param>
[GenerateSerializer, Immutable, Alias("vc.VoiceSpeakingEvent")]
public sealed record VoiceSpeakingEvent(
    Guid Id,
    string Type,
    DateTimeOffset Time,
    [property: Id(0)] string SessionId,
    [property: Id(1)] Guid UserId,
    [property: Id(2)] string ChannelId,
    [property: Id(3)] int Level)
    : DomainEvent(Id, Type, SessionId, Time);
