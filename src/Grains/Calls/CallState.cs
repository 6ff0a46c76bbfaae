using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Grains.Calls;

/// <summary>A call as it is stored, with the events of its changes.</summary>
[GenerateSerializer, Alias("vc.CallState")]
public sealed class CallState : IOutboxState, ICallRecord
{
    /// <summary>Events kept while no outbox takes them; then the oldest are dropped.</summary>
    public const int MaxPendingEvents = 256;

    /// <summary>The call, or null before it began.</summary>
    [Id(0)]
    public CallInfo? Call { get; set; }

    /// <inheritdoc/>
    [Id(1)]
    public List<DomainEvent> PendingEvents { get; set; } = [];
}
