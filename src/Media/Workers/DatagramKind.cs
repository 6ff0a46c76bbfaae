namespace VoiceCluster.Media.Workers;

/// <summary>What a datagram on a shared port is.</summary>
public enum DatagramKind : byte
{
    /// <summary>None of the protocols of this port.</summary>
    Unknown,

    /// <summary>STUN, first byte 0 to 3.</summary>
    Stun,

    /// <summary>DTLS, first byte 20 to 63.</summary>
    Dtls,

    /// <summary>RTP, first byte 128 to 191.</summary>
    Rtp,

    /// <summary>RTCP, first byte as RTP, told apart by its packet type.</summary>
    Rtcp,
}

/// <summary>Tells the protocols of one port apart.</summary>
public static class DatagramKinds
{
    /// <summary>Bytes of a STUN header (RFC 8489 §5).</summary>
    private const int StunHeader = 20;

    /// <summary>Bytes of a DTLS record header (RFC 6347 §4.1).</summary>
    private const int DtlsHeader = 13;

    /// <summary>Bytes of an RTP header without CSRCs (RFC 3550 §5.1).</summary>
    private const int RtpHeader = 12;

    /// <summary>Bytes of the shortest RTCP packet, an empty receiver report (RFC 3550 §6.4.2).</summary>
    private const int RtcpHeader = 8;

    /// <summary>The demultiplexing of RFC 7983 §7, with RTCP told from RTP by RFC 5761 §4.</summary>
    public static DatagramKind Classify(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < RtcpHeader)
        {
            return DatagramKind.Unknown;
        }

        return datagram[0] switch
        {
            <= 3 when datagram.Length >= StunHeader => DatagramKind.Stun,
            >= 20 and <= 63 when datagram.Length >= DtlsHeader => DatagramKind.Dtls,

            // RFC 5761 §4: RTCP packet types 192 to 223 are RTP payload types 64 to 95 with the marker bit, which RTP then avoids.
            >= 128 and <= 191 when datagram[1] is >= 192 and <= 223 => DatagramKind.Rtcp,
            >= 128 and <= 191 when datagram.Length >= RtpHeader => DatagramKind.Rtp,
            _ => DatagramKind.Unknown,
        };
    }
}
