namespace VoiceCluster.Media.Bandwidth;

/// <summary>
/// How far our wall clock is ahead of a sender's, network delay included: the smallest difference seen, creeping up
/// slowly so that drifting clocks are followed. One for all streams of a sender keeps its sound and picture together.
/// </summary>
internal sealed class SenderClock
{
    /// <summary>µs that the offset may rise at one report: 200 ppm at a report every 5 s.</summary>
    private const long Creep = 1_000;

    public bool HasOffset { get; private set; }

    /// <summary>Our time minus the sender's, µs.</summary>
    public long Offset { get; private set; }

    public void OnReport(long senderTime, long ourTime)
    {
        var sample = ourTime - senderTime;
        Offset = HasOffset && Math.Abs(sample - Offset) < 10_000_000 ? Math.Min(sample, Offset + Creep) : sample;
        HasOffset = true;
    }
}
