using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Abstractions.CallSessions;

/// <summary>A call session was made, changed or ended. The key is its id.</summary>
/// <param name="Change">What changed, in snake_case; null when it was made.</param>
/// <param name="UserId">Whom it happened to; null when to all.</param>
/// <param name="By">Who did it; null: time did.</param>
[GenerateSerializer, Immutable, Alias("vc.CallSessionEvent")]
public sealed record CallSessionEvent(
    Guid Id,
    string Type,
    DateTimeOffset Time,
    [property: Id(0)] Guid SessionId,
    [property: Id(1)] CallSessionType CallType,
    [property: Id(2)] CallSessionChange? Change,
    [property: Id(3)] Guid? UserId,
    [property: Id(4)] Guid? By,
    [property: Id(5)] CallSessionEnd? Reason,
    [property: Id(6)] CallEventParticipant[] Participants)
    : DomainEvent(Id, Type, SessionId.ToString(), Time);

/// <summary>A participant as the world is told of it.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallEventParticipant")]
public sealed record CallEventParticipant(
    [property: Id(0)] Guid UserId, [property: Id(1)] CallRole Role, [property: Id(2)] bool Muted, [property: Id(3)] int Quality);
