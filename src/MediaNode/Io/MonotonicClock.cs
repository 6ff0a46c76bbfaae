namespace VoiceCluster.MediaNode.Io;

/// <summary>The `now` of the media plane: microseconds that never go back, with their distance from Unix time.</summary>
public sealed class MonotonicClock
{
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly double _microsecondsPerTick;

    /// <summary>Starts at 1 s, so that 0 can mean "never".</summary>
    public MonotonicClock(TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
        _microsecondsPerTick = 1_000_000d / time.TimestampFrequency;
        UnixTimeOffset = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond - Now;
    }

    /// <summary>Microseconds now.</summary>
    public long Now => 1_000_000 + (long)((_time.GetTimestamp() - _start) * _microsecondsPerTick);

    /// <summary>Add it to <see cref="Now"/> for microseconds of Unix time, as they were at the start of the process.</summary>
    public long UnixTimeOffset { get; }
}
