using VoiceCluster.Media.Routing;

namespace VoiceCluster.Media.Workers;

/// <summary>
/// What a worker has counted since its start. Written by its thread alone; others read single words that may be
/// a second old, which metrics can bear.
/// </summary>
public sealed class WorkerStats
{
    private readonly long[] _drops = new long[Reasons];
    private readonly long[] _dropsOfTransports = new long[Reasons];
    private readonly long[] _dropsOfClosed = new long[Reasons];
    private MediaTotals _closed;
    private MediaTotals _all;

    /// <summary>Number of <see cref="DropReason"/>s.</summary>
    internal static int Reasons { get; } = Enum.GetValues<DropReason>().Length;

    /// <summary>Datagrams that came in.</summary>
    public long DatagramsReceived { get; internal set; }

    /// <summary>Bytes of them.</summary>
    public long BytesReceived { get; internal set; }

    /// <summary>Datagrams handed to the sink.</summary>
    public long DatagramsSent { get; internal set; }

    /// <summary>Bytes of them.</summary>
    public long BytesSent { get; internal set; }

    /// <summary>DTLS handshakes that gave SRTP keys.</summary>
    public long DtlsHandshakesCompleted { get; internal set; }

    /// <summary>DTLS handshakes that ended otherwise; a transport may count several.</summary>
    public long DtlsHandshakesFailed { get; internal set; }

    /// <summary>Transports that closed because ICE was silent.</summary>
    public long ConsentExpired { get; internal set; }

    /// <summary>Relay clients now, whether or not they have proved an address.</summary>
    public int Relays { get; internal set; }

    /// <summary>Datagrams that came in at the relay port; <see cref="DatagramsReceived"/> counts them as well.</summary>
    public long RelayDatagramsReceived { get; internal set; }

    /// <summary>Transports now.</summary>
    public int Transports { get; internal set; }

    /// <summary>Plain transports now.</summary>
    public int PlainTransports { get; internal set; }

    /// <summary>Pipes to other media nodes now.</summary>
    public int Pipes { get; internal set; }

    /// <summary>Ends of pipes to other workers of this node now.</summary>
    public int WorkerPipes { get; internal set; }

    /// <summary>Packets and reports that came from other workers of this node.</summary>
    public long WorkerPipePackets { get; internal set; }

    /// <summary>Producers of clients now; those that came through pipes are counted where their clients are.</summary>
    public int Producers { get; internal set; }

    /// <summary>Consumers of clients now, without what goes through pipes.</summary>
    public int Consumers { get; internal set; }

    /// <summary>Routers now of rooms that are at home at this worker.</summary>
    public int Routers { get; internal set; }

    /// <summary>Routers now of rooms that are at home at another worker and reach to this one.</summary>
    public int Branches { get; internal set; }

    /// <summary>Sums over all transports, those that have closed included; renewed each second, and when <see cref="MediaWorker.WantSum"/> asks for it.</summary>
    public ref readonly MediaTotals Media => ref _all;

    /// <summary>Packets dropped for one reason, by the worker itself and by all its transports.</summary>
    public long Dropped(DropReason reason) => _drops[(int)reason] + _dropsOfTransports[(int)reason];

    internal void CountDrop(DropReason reason) => _drops[(int)reason]++;

    /// <summary>Keeps a closing transport's counters.</summary>
    internal void Retire(TransportStats stats, bool dropsOnly)
    {
        if (!dropsOnly)
        {
            _closed.Add(stats);
        }

        for (var i = 0; i < _dropsOfClosed.Length; i++)
        {
            _dropsOfClosed[i] += stats.Drops[i];
        }
    }

    /// <summary>Starts a new sum.</summary>
    internal MediaTotals BeginSum(Span<long> drops)
    {
        _dropsOfClosed.CopyTo(drops);
        return _closed;
    }

    /// <summary>Publishes a finished sum.</summary>
    internal void EndSum(in MediaTotals totals, ReadOnlySpan<long> drops)
    {
        _all = totals;
        drops.CopyTo(_dropsOfTransports);
    }
}

/// <summary>Sums of <see cref="TransportStats"/>.</summary>
public struct MediaTotals
{
    /// <summary>RTP packets from clients.</summary>
    public long RtpPacketsReceived;

    /// <summary>Bytes of them.</summary>
    public long RtpBytesReceived;

    /// <summary>RTP packets to clients.</summary>
    public long RtpPacketsSent;

    /// <summary>Bytes of them.</summary>
    public long RtpBytesSent;

    /// <summary>Sequence numbers asked of senders again.</summary>
    public long NacksSent;

    /// <summary>Sequence numbers that receivers asked again.</summary>
    public long NacksReceived;

    /// <summary>Packets sent again.</summary>
    public long PacketsRetransmitted;

    /// <summary>Lost packets of sound that the redundancy of a later one gave back.</summary>
    public long PacketsRecovered;

    /// <summary>Packets that came by RTX.</summary>
    public long RtxPacketsReceived;

    /// <summary>Key frames asked of senders.</summary>
    public long KeyFrameRequestsSent;

    /// <summary>Key frames that receivers asked for.</summary>
    public long KeyFrameRequestsReceived;

    /// <summary>Adds one transport.</summary>
    internal void Add(TransportStats stats)
    {
        RtpPacketsReceived += stats.RtpPacketsReceived;
        RtpBytesReceived += stats.RtpBytesReceived;
        RtpPacketsSent += stats.RtpPacketsSent;
        RtpBytesSent += stats.RtpBytesSent;
        NacksSent += stats.NacksSent;
        NacksReceived += stats.NacksReceived;
        PacketsRetransmitted += stats.PacketsRetransmitted;
        PacketsRecovered += stats.PacketsRecovered;
        RtxPacketsReceived += stats.RtxPacketsReceived;
        KeyFrameRequestsSent += stats.KeyFrameRequestsSent;
        KeyFrameRequestsReceived += stats.KeyFrameRequestsReceived;
    }
}
