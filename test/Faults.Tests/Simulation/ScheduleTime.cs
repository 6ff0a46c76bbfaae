using Orleans.TestingHost;

namespace VoiceCluster.Faults.Tests.Simulation;

/// <summary>A clock that says the same at the begin of each schedule, so that the silos of a schedule have the same addresses, and their grains the same places, each time.</summary>
internal sealed class ScheduleTime(TestClock clock) : TimeProvider
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 2, 0, 0, 0, TimeSpan.Zero);

    private readonly long _start = clock.GetTimestamp();

    /// <inheritdoc/>
    public override long TimestampFrequency => clock.TimestampFrequency;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Begin + clock.GetElapsedTime(_start);

    /// <inheritdoc/>
    public override long GetTimestamp() => clock.GetTimestamp() - _start;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        clock.CreateTimer(callback, state, dueTime, period);
}
