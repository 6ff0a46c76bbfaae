namespace VoiceCluster.Media.Routing;

/// <summary>Counters of one transport since it was made. Written by its worker only; plain fields, since each is one word.</summary>
public sealed class TransportStats
{
    private readonly long[] _drops = new long[Enum.GetValues<DropReason>().Length];

    public long RtpPacketsReceived { get; internal set; }

    public long RtpBytesReceived { get; internal set; }

    public long RtpPacketsSent { get; internal set; }

    public long RtpBytesSent { get; internal set; }

    public long RtcpPacketsReceived { get; internal set; }

    public long RtcpPacketsSent { get; internal set; }

    /// <summary>Sequence numbers that we asked to have again.</summary>
    public long NacksSent { get; internal set; }

    /// <summary>Sequence numbers that receivers asked to have again.</summary>
    public long NacksReceived { get; internal set; }

    /// <summary>Packets sent again.</summary>
    public long PacketsRetransmitted { get; internal set; }

    /// <summary>Lost packets of sound that the redundancy of a later one gave back.</summary>
    public long PacketsRecovered { get; internal set; }

    /// <summary>Packets that came by RTX.</summary>
    public long RtxPacketsReceived { get; internal set; }

    public long KeyFrameRequestsSent { get; internal set; }

    public long KeyFrameRequestsReceived { get; internal set; }

    /// <summary>Round trip to the remote in microseconds by its last receiver report; 0 before the first.</summary>
    public long RoundTrip { get; internal set; }

    /// <summary>Share of our packets that the remote lost, 0 to 255 (RFC 3550 §6.4.1), the worst stream of its last report.</summary>
    public int FractionLost { get; internal set; }

    /// <summary>Bits a second that the remote's last REMB allows; 0 before the first.</summary>
    public long RemoteBitrateEstimate { get; internal set; }

    /// <summary>Bits a second that can go to the remote beside what has no transport-wide numbers; 0 while unknown.</summary>
    public long AvailableOutgoingBitrate { get; internal set; }

    /// <summary>Packets of padding sent, to find out whether more arrives.</summary>
    public long PaddingPacketsSent { get; internal set; }

    /// <summary>Packets dropped, by reason.</summary>
    public ReadOnlySpan<long> Drops => _drops;

    /// <summary>Counts a dropped packet.</summary>
    public void CountDrop(DropReason reason) => _drops[(int)reason]++;

    /// <summary>Packets dropped for one reason.</summary>
    public long Dropped(DropReason reason) => _drops[(int)reason];
}
