using System.Buffers.Binary;

namespace VoiceCluster.Media.Rtp;

/// <summary>Retransmission payloads (RFC 4588 §4): the original sequence number, then the original payload.</summary>
public static class Rtx
{
    /// <summary>Bytes of the original sequence number.</summary>
    public const int OverheadLength = 2;

    /// <summary>
    /// Turns a retransmission back into the original, in place; the result lies at the end of the same bytes. False for
    /// a packet without payload, which is a bandwidth probe.
    /// </summary>
    public static bool TryRestore(RtpPacket packet, Ssrc ssrc, PayloadType payloadType, out RtpPacket original)
    {
        original = default;
        if (packet.Payload.Length < OverheadLength)
        {
            return false;
        }

        var sequence = BinaryPrimitives.ReadUInt16BigEndian(packet.Payload);
        var bytes = packet.Bytes;
        bytes[..packet.HeaderLength].CopyTo(bytes[OverheadLength..]);
        if (!RtpPacket.TryParse(bytes[OverheadLength..], out original))
        {
            return false;
        }

        original.SequenceNumber = new SequenceNumber(sequence);
        original.Ssrc = ssrc;
        original.PayloadType = payloadType;
        return true;
    }
}
