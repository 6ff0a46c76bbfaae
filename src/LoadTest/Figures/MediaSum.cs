using VoiceCluster.LoadTest.Media;

namespace VoiceCluster.LoadTest.Figures;

/// <summary>The figures of all loops in one window.</summary>
internal sealed class MediaSum
{
    private long _streams;
    private long _expected;
    private long _counted;

    /// <summary>RTP packets sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Datagrams that the generator's own system did not take.</summary>
    public long SendFailures { get; private set; }

    /// <summary>RTP packets received.</summary>
    public long Received { get; private set; }

    /// <summary>Their bytes without SRTP's tag.</summary>
    public long ReceivedBytes { get; private set; }

    /// <summary>Packets that SRTP refused at links that have left.</summary>
    public long Refused { get; private set; }

    /// <summary>Streams of which packets came.</summary>
    public long Streams => _streams;

    /// <summary>Packets between the first and the last of each stream.</summary>
    public long Expected => _expected;

    /// <summary>Those of them that did not come.</summary>
    public long Lost => Math.Max(0, _expected - _counted);

    /// <summary>Percent of <see cref="Expected"/>.</summary>
    public double LossPercent => _expected == 0 ? 0 : 100d * Lost / _expected;

    /// <summary>Bytes that the loops' threads have allocated since their start.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Latency in ticks of 100 ns.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>By how many microseconds frames left late.</summary>
    public LatencyHistogram Lag { get; } = new();

    /// <summary>Frames that were so late that they were left out.</summary>
    public long FramesLeftOut { get; private set; }

    /// <summary>RTCP datagrams sent.</summary>
    public long ReportsSent { get; private set; }

    /// <summary>Packets whose time of arrival is the kernel's.</summary>
    public long ArrivalsByKernel { get; private set; }

    /// <summary>Packets whose time of arrival is the program's.</summary>
    public long ArrivalsByProgram { get; private set; }

    /// <summary>Who said when packets came.</summary>
    public string Arrival => (ArrivalsByKernel, ArrivalsByProgram) switch
    {
        (_, 0) => "by the kernel",
        (0, _) => "by the program",
        _ => "by the kernel and the program",
    };

    /// <summary>Adds a loop, on its thread.</summary>
    public void Add(MediaLoop loop)
    {
        // Read first: what the sum itself allocates is not the packets'.
        AllocatedBytes += MediaLoop.AllocatedBytes;
        var figures = loop.Figures;
        Sent += figures.Sent;
        SendFailures += figures.SendFailures;
        Received += figures.Received;
        ReceivedBytes += figures.ReceivedBytes;
        Refused += figures.Refused;
        Latency.Add(figures.Latency);
        Lag.Add(figures.Lag);
        FramesLeftOut += figures.FramesLeftOut;
        ReportsSent += figures.ReportsSent;
        ArrivalsByKernel += figures.ArrivalsByKernel;
        ArrivalsByProgram += figures.ArrivalsByProgram;
        _streams += figures.StreamsOfLeft;
        _expected += figures.ExpectedOfLeft;
        _counted += figures.CountedOfLeft;
        foreach (var link in loop.Links)
        {
            link.Meter.Sum(figures.Window, ref _streams, ref _expected, ref _counted);
        }
    }
}
