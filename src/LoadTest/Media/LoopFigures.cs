using VoiceCluster.LoadTest.Figures;

namespace VoiceCluster.LoadTest.Media;

/// <summary>What one loop has received since its window began. Written by the loop's thread alone.</summary>
internal sealed class LoopFigures
{
    /// <summary>Number of the window; each stream begins anew with its first packet in it.</summary>
    public int Window { get; private set; }

    /// <summary>RTP packets sent.</summary>
    public long Sent { get; set; }

    /// <summary>RTP packets that the system did not take.</summary>
    public long SendFailures { get; set; }

    /// <summary>Frames that were not sent because the loop was too late with them.</summary>
    public long FramesLeftOut { get; set; }

    /// <summary>RTCP datagrams sent.</summary>
    public long ReportsSent { get; set; }

    /// <summary>RTP packets received that SRTP took.</summary>
    public long Received { get; set; }

    /// <summary>Bytes of them.</summary>
    public long ReceivedBytes { get; set; }

    /// <summary>Packets that SRTP or the client refused.</summary>
    public long Refused { get; set; }

    /// <summary>Packets whose time of arrival is the kernel's.</summary>
    public long ArrivalsByKernel { get; set; }

    /// <summary>Packets whose time of arrival is that of the program's reading.</summary>
    public long ArrivalsByProgram { get; set; }

    /// <summary>Streams of links that have left within the window.</summary>
    public long StreamsOfLeft { get; private set; }

    /// <summary>Packets that they should have received.</summary>
    public long ExpectedOfLeft { get; private set; }

    /// <summary>Packets that they have received.</summary>
    public long CountedOfLeft { get; private set; }

    /// <summary>One-way latency in ticks of 100 ns, from right before the sending call to the arrival.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>By how many microseconds frames left later than they were due.</summary>
    public LatencyHistogram Lag { get; } = new();

    /// <summary>Forgets everything: a new window.</summary>
    public void Reset()
    {
        Window++;
        Sent = SendFailures = Received = ReceivedBytes = Refused = 0;
        FramesLeftOut = ReportsSent = ArrivalsByKernel = ArrivalsByProgram = 0;
        StreamsOfLeft = ExpectedOfLeft = CountedOfLeft = 0;
        Latency.Clear();
        Lag.Clear();
    }

    /// <summary>Keeps the figures of a link that leaves.</summary>
    public void Keep(StreamMeter meter)
    {
        var (streams, expected, counted) = (0L, 0L, 0L);
        meter.Sum(Window, ref streams, ref expected, ref counted);
        StreamsOfLeft += streams;
        ExpectedOfLeft += expected;
        CountedOfLeft += counted;
    }
}
