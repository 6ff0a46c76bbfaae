using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Abstractions.Calls;

/// <summary>A change of a call: <c>call.ringing</c>, <c>.accepted</c>, <c>.active</c>, <c>.ended</c>, <c>.rejected</c>, <c>.missed</c>, <c>.busy</c>, <c>.party.*</c>.</summary>
/// <param name="Call">The call after the change.</param>
/// <param name="By">The party who did it, or null.</param>
[GenerateSerializer, Immutable, Alias("vc.CallEvent")]
public sealed record CallEvent(
    Guid Id, string Type, string Key, DateTimeOffset Time, [property: Id(0)] CallInfo Call, [property: Id(1)] Guid? By)
    : DomainEvent(Id, Type, Key, Time);
