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

    /// <summary>RTP packets received that SRTP took.</summary>
    public long Received { get; set; }

    /// <summary>Bytes of them.</summary>
    public long ReceivedBytes { get; set; }

    /// <summary>Packets that SRTP or the client refused.</summary>
    public long Refused { get; set; }

    /// <summary>Streams of links that have left within the window.</summary>
    public long StreamsOfLeft { get; private set; }

    /// <summary>Packets that they should have received.</summary>
    public long ExpectedOfLeft { get; private set; }

    /// <summary>Packets that they have received.</summary>
    public long CountedOfLeft { get; private set; }

    /// <summary>One-way latency in ticks of 100 ns, from the sending call to the receiver's kernel.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>Forgets everything: a new window.</summary>
    public void Reset()
    {
        Window++;
        Sent = SendFailures = Received = ReceivedBytes = Refused = 0;
        StreamsOfLeft = ExpectedOfLeft = CountedOfLeft = 0;
        Latency.Clear();
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

/// <summary>The streams of one receiving link: how many packets of each came, and how many should have.</summary>
internal sealed class StreamMeter
{
    private readonly Dictionary<uint, int> _places = [];
    private Stream[] _streams = new Stream[4];
    private int _count;
    private int _last;

    /// <summary>Counts a packet.</summary>
    public void Count(uint ssrc, ushort sequence, int window)
    {
        ref var stream = ref Find(ssrc);
        if (stream.Window != window)
        {
            stream = new Stream { Ssrc = ssrc, Window = window, First = sequence, Highest = sequence, Received = 1 };
            return;
        }

        var extended = stream.Highest + (short)(sequence - (ushort)stream.Highest);
        if (extended >= stream.First)
        {
            stream.Received++;
            stream.Highest = Math.Max(stream.Highest, extended);
        }
    }

    /// <summary>Streams that had packets in a window, those packets, and the packets that are missing between their first and last.</summary>
    public void Sum(int window, ref long streams, ref long expected, ref long received)
    {
        foreach (ref readonly var stream in _streams.AsSpan(0, _count))
        {
            if (stream.Window == window)
            {
                streams++;
                expected += stream.Highest - stream.First + 1;
                received += stream.Received;
            }
        }
    }

    private ref Stream Find(uint ssrc)
    {
        if (_last < _count && _streams[_last].Ssrc == ssrc)
        {
            return ref _streams[_last];
        }

        if (!_places.TryGetValue(ssrc, out var place))
        {
            if (_count == _streams.Length)
            {
                Array.Resize(ref _streams, 2 * _count);
            }

            place = _count++;
            _places.Add(ssrc, place);
            _streams[place] = new Stream { Ssrc = ssrc, Window = -1 };
        }

        _last = place;
        return ref _streams[place];
    }

    private struct Stream
    {
        public uint Ssrc;
        public int Window;
        public long First;
        public long Highest;
        public long Received;
    }
}
