namespace VoiceCluster.Hosting.Health;

/// <summary>A part of the process that says whether it can serve. All of them together make /health/ready.</summary>
public interface IReadiness
{
    /// <summary>Short name of the part, for instance "media-node".</summary>
    string Name { get; }

    /// <summary>Looks at the state only: no I/O, called on each probe.</summary>
    ReadinessState Check();
}

/// <summary>Whether a part can serve now.</summary>
/// <param name="IsReady">True when requests may come.</param>
/// <param name="Reason">One sentence when it is not ready, or lacks something that it can do without; else null.</param>
public readonly record struct ReadinessState(bool IsReady, string? Reason)
{
    /// <summary>Able to serve.</summary>
    public static ReadinessState Ready { get; } = new(true, null);

    /// <summary>Able to serve, but something that it can do without is away.</summary>
    public static ReadinessState ReadyWithout(string reason) => new(true, reason);

    /// <summary>Not able to serve, and why.</summary>
    public static ReadinessState NotReady(string reason) => new(false, reason);
}
