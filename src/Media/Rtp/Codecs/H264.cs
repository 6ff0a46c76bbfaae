using System.Buffers.Binary;

namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>Which NAL units an H.264 RTP payload begins (RFC 6184 §5).</summary>
/// <param name="HasSps">A sequence parameter set: where a decoder can start.</param>
/// <param name="HasIdr">The beginning of an IDR slice.</param>
public readonly record struct H264Payload(bool HasSps, bool HasIdr)
{
    private const int Idr = 5;
    private const int Sps = 7;
    private const int StapA = 24;
    private const int FuA = 28;

    /// <summary>
    /// True where a new receiver may join. It needs the parameter sets, which WebRTC senders put before each IDR, so an
    /// IDR alone does not do.
    /// </summary>
    public bool IsKeyFrame => HasSps;

    /// <summary>Looks into the payload; false when it is empty or a length overruns.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out H264Payload result)
    {
        result = default;
        if (payload.IsEmpty)
        {
            return false;
        }

        var type = payload[0] & 0x1F;
        switch (type)
        {
            case StapA:
                var sps = false;
                var idr = false;
                var offset = 1;
                while (offset < payload.Length)
                {
                    // RFC 6184 §5.7.1: 16 bits of size before each unit.
                    if (payload.Length < offset + 3)
                    {
                        return false;
                    }

                    var size = BinaryPrimitives.ReadUInt16BigEndian(payload[offset..]);
                    if (size == 0 || payload.Length < offset + 2 + size)
                    {
                        return false;
                    }

                    var inner = payload[offset + 2] & 0x1F;
                    sps |= inner == Sps;
                    idr |= inner == Idr;
                    offset += 2 + size;
                }

                result = new H264Payload(sps, idr);
                return true;
            case FuA:
                if (payload.Length < 2)
                {
                    return false;
                }

                // §5.8: only the fragment with the start bit begins the unit.
                var start = (payload[1] & 0x80) != 0;
                var fragmented = payload[1] & 0x1F;
                result = new H264Payload(start && fragmented == Sps, start && fragmented == Idr);
                return true;
            default:
                result = new H264Payload(type == Sps, type == Idr);
                return true;
        }
    }
}
