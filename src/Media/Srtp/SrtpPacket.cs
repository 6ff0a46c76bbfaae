using System.Buffers.Binary;

namespace VoiceCluster.Media.Srtp;

/// <summary>Where protection begins in a packet. Every length is checked here, before any key is used (CVE-2013-2139).</summary>
internal static class SrtpPacket
{
    /// <summary>Bytes of an RTCP header and sender SSRC, which stay in the clear (RFC 3711 §3.4).</summary>
    public const int RtcpHeader = 8;

    /// <summary>Bytes of the E flag and SRTCP index (RFC 3711 §3.4).</summary>
    public const int RtcpIndex = 4;

    /// <summary>The E flag: the packet is encrypted.</summary>
    public const uint Encrypted = 0x8000_0000;

    /// <summary>The last SRTCP index under one key (RFC 3711 §9.2).</summary>
    public const uint LastRtcpIndex = 0x7FFF_FFFF;

    /// <summary>Length of the RTP header with CSRCs and extension (RFC 3550 §5.1, §5.3.1), or -1 when it does not fit.</summary>
    public static int RtpHeaderLength(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < 12 || packet[0] >> 6 != 2)
        {
            return -1;
        }

        var length = 12 + (4 * (packet[0] & 0x0F));
        if ((packet[0] & 0x10) != 0)
        {
            if (packet.Length < length + 4)
            {
                return -1;
            }

            length += 4 + (4 * BinaryPrimitives.ReadUInt16BigEndian(packet[(length + 2)..]));
        }

        return length <= packet.Length ? length : -1;
    }

    /// <summary>Whether an RTCP header is there.</summary>
    public static bool IsRtcp(ReadOnlySpan<byte> packet) => packet.Length >= RtcpHeader && packet[0] >> 6 == 2;
}
