using VoiceCluster.Events.Nats;
using VoiceCluster.Hosting.Health;

namespace VoiceCluster.Events;

/// <summary>Shows whether the bridge is up. A process without NATS serves all the same, so it is ready either way.</summary>
internal sealed class BridgeReadiness(NatsBus bus) : IReadiness
{
    /// <inheritdoc/>
    public string Name => "nats";

    /// <inheritdoc/>
    public ReadinessState Check() => bus.Session is not null
        ? ReadinessState.Ready
        : ReadinessState.ReadyWithout($"NATS is away for {bus.AwayFor.TotalSeconds:0} s; durable events wait in the outbox");
}
