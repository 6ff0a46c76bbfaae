using System.Buffers.Binary;

namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>The whole VP9 payload descriptor, up to where the frame's bytes begin (RFC 9628 §4.2).</summary>
public static class Vp9Payload
{
    /// <summary>Reference indices in flexible mode at most (§4.2: "up to 3").</summary>
    private const int MaxReferences = 3;

    /// <summary>
    /// Reads it. The size is that of the largest layer of a scalability structure, 0 without one. False when the payload
    /// ends within the descriptor, or with it.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out Vp9Descriptor descriptor, out int length, out int width, out int height)
    {
        length = width = height = 0;
        if (!Vp9Descriptor.TryParse(payload, out descriptor))
        {
            return false;
        }

        var flags = payload[0];
        var (hasPictureId, predicted, hasLayers, flexible, hasStructure) =
            ((flags & 0x80) != 0, (flags & 0x40) != 0, (flags & 0x20) != 0, (flags & 0x10) != 0, (flags & 0x02) != 0);
        length = 1;
        if (hasPictureId)
        {
            length += (payload[length] & 0x80) != 0 ? 2 : 1;
        }

        if (hasLayers)
        {
            // Without flexible mode TL0PICIDX follows.
            length += flexible ? 1 : 2;
        }

        if (flexible && predicted)
        {
            for (var i = 0; ; i++)
            {
                if (i == MaxReferences || payload.Length <= length)
                {
                    return false;
                }

                if ((payload[length++] & 0x01) == 0)
                {
                    break;
                }
            }
        }

        return (!hasStructure || TrySkipStructure(payload, ref length, ref width, ref height)) && payload.Length > length;
    }

    // §4.2.1.
    private static bool TrySkipStructure(ReadOnlySpan<byte> payload, ref int length, ref int width, ref int height)
    {
        if (payload.Length <= length)
        {
            return false;
        }

        var head = payload[length++];
        var layers = (head >> 5) + 1;
        if ((head & 0x10) != 0)
        {
            if (payload.Length < length + (layers * 4))
            {
                return false;
            }

            for (var i = 0; i < layers; i++)
            {
                width = Math.Max(width, BinaryPrimitives.ReadUInt16BigEndian(payload[length..]));
                height = Math.Max(height, BinaryPrimitives.ReadUInt16BigEndian(payload[(length + 2)..]));
                length += 4;
            }
        }

        if ((head & 0x08) == 0)
        {
            return true;
        }

        if (payload.Length <= length)
        {
            return false;
        }

        int pictures = payload[length++];
        for (var i = 0; i < pictures; i++)
        {
            if (payload.Length <= length)
            {
                return false;
            }

            length += 1 + ((payload[length] >> 2) & 0x03);
        }

        return payload.Length > length;
    }
}
