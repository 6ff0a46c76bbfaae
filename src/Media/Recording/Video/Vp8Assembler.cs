using System.Buffers.Binary;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording.Video;

/// <summary>VP8 frames from RTP (RFC 7741 §4).</summary>
internal sealed class Vp8Assembler(IFrameSink sink) : FrameAssembler(sink)
{
    /// <summary>Bytes of a key frame's header: frame tag, start code, width, height (RFC 6386 §9.1).</summary>
    private const int KeyFrameHeader = 10;

    /// <inheritdoc/>
    private protected override bool TryAdd(ReadOnlySpan<byte> payload)
    {
        if (!Vp8Descriptor.TryParse(payload, out var descriptor))
        {
            return false;
        }

        if (descriptor.IsFrameStart)
        {
            if (IsInFrame)
            {
                // A frame within a frame: the one before has lost its end.
                return false;
            }

            Begin();
        }

        // What follows a tear, up to the next beginning, is passed over.
        return !IsInFrame || TryAppend(payload[descriptor.Length..]);
    }

    /// <inheritdoc/>
    private protected override bool TryFinish(out FrameShape shape)
    {
        shape = default;
        var frame = Frame;

        // RFC 6386 §9.1: the frame tag's lowest bit is 0 in a key frame.
        if ((frame[0] & 0x01) != 0)
        {
            return frame.Length >= 3;
        }

        if (frame.Length < KeyFrameHeader || frame[3] != 0x9D || frame[4] != 0x01 || frame[5] != 0x2A)
        {
            return false;
        }

        shape = new FrameShape
        {
            IsKeyFrame = true,
            Width = BinaryPrimitives.ReadUInt16LittleEndian(frame[6..]) & 0x3FFF,
            Height = BinaryPrimitives.ReadUInt16LittleEndian(frame[8..]) & 0x3FFF,
        };
        return shape.Width > 0 && shape.Height > 0;
    }
}
