namespace VoiceCluster.Hosting.Health;

/// <summary>Whether this process is one of the cluster, or can call it. The engine's parts know.</summary>
public sealed class ClusterReadiness(IEnumerable<IHealthCheckParticipant> parts, TimeProvider time) : IReadiness
{
    /// <inheritdoc/>
    public string Name => "cluster";

    /// <inheritdoc/>
    public ReadinessState Check()
    {
        var now = time.GetUtcNow().UtcDateTime;
        foreach (var part in parts)
        {
            if (!part.CheckIsHealthy(now, out var reason))
            {
                return ReadinessState.NotReady(reason ?? "A part of the engine is not well.");
            }
        }

        return ReadinessState.Ready;
    }
}
