using System.Buffers.Binary;

namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>The VP9 payload descriptor (RFC 9628 §4.2).</summary>
/// <param name="IsKeyFrame">The packet begins a frame that predicts from none, in the lowest spatial layer.</param>
/// <param name="IsFrameStart">B: begins a layer frame.</param>
/// <param name="IsFrameEnd">E: ends a layer frame.</param>
/// <param name="PictureId">-1 when absent.</param>
/// <param name="TemporalLayer">TID; -1 when absent.</param>
/// <param name="SpatialLayer">SID; -1 when absent.</param>
/// <param name="IsSwitchingUp">U: one may switch up to this temporal layer here.</param>
/// <param name="IsInterPredicted">P: the layer frame needs earlier pictures, and is no place to join its spatial layer.</param>
public readonly record struct Vp9Descriptor(
    bool IsKeyFrame, bool IsFrameStart, bool IsFrameEnd, int PictureId, int TemporalLayer, int SpatialLayer, bool IsSwitchingUp, bool IsInterPredicted)
{
    /// <summary>Reads the descriptor as far as the layer indices; false when the payload ends within.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out Vp9Descriptor descriptor)
    {
        descriptor = default;
        if (payload.Length < 2)
        {
            return false;
        }

        var flags = payload[0];
        var offset = 1;
        var pictureId = -1;
        if ((flags & 0x80) != 0)
        {
            if ((payload[offset] & 0x80) != 0)
            {
                if (payload.Length < offset + 2)
                {
                    return false;
                }

                pictureId = BinaryPrimitives.ReadUInt16BigEndian(payload[offset..]) & 0x7FFF;
                offset += 2;
            }
            else
            {
                pictureId = payload[offset++];
            }
        }

        var temporalLayer = -1;
        var spatialLayer = -1;
        var switchingUp = false;
        if ((flags & 0x20) != 0)
        {
            if (payload.Length <= offset)
            {
                return false;
            }

            temporalLayer = payload[offset] >> 5;
            switchingUp = (payload[offset] & 0x10) != 0;
            spatialLayer = (payload[offset] >> 1) & 0x07;
        }

        var start = (flags & 0x08) != 0;
        var predicted = (flags & 0x40) != 0;
        descriptor = new Vp9Descriptor(!predicted && start && spatialLayer <= 0, start, (flags & 0x04) != 0, pictureId, temporalLayer, spatialLayer, switchingUp, predicted);
        return true;
    }
}
