namespace Orleans.Runtime;

/// <summary>A part of the runtime that knows whether it is well.</summary>
public interface IHealthCheckParticipant
{
    /// <summary>Whether it is well, and if not, why.</summary>
    bool CheckIsHealthy(DateTime lastCheckTime, out string? reason);
}
