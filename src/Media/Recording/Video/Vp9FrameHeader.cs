namespace VoiceCluster.Media.Recording.Video;

/// <summary>What a recorder wants of a VP9 frame's uncompressed header (VP9 bitstream specification §6.2).</summary>
internal static class Vp9FrameHeader
{
    private const int SyncCode = 0x49_83_42;
    private const int SrgbColorSpace = 7;

    /// <summary>A key frame's size; false when the bytes begin with no key frame.</summary>
    public static bool TryReadKeyFrameSize(ReadOnlySpan<byte> frame, out int width, out int height)
    {
        (width, height) = (0, 0);
        var bits = new BitReader(frame);
        if (bits.Bits(2) != 2)
        {
            return false;
        }

        var profile = bits.Bit() + (bits.Bit() << 1);
        if (profile == 3 && bits.Bit() != 0)
        {
            return false;
        }

        // show_existing_frame, frame_type (0 is a key frame), show_frame, error_resilient_mode.
        if (bits.Bit() != 0 || bits.Bit() != 0)
        {
            return false;
        }

        bits.Bits(2);
        if (bits.Bits(24) != SyncCode)
        {
            return false;
        }

        // §6.2.2, color_config.
        if (profile >= 2)
        {
            bits.Bit();
        }

        if (bits.Bits(3) != SrgbColorSpace)
        {
            bits.Bit();
            if ((profile & 1) != 0)
            {
                bits.Bits(3);
            }
        }
        else if ((profile & 1) != 0)
        {
            bits.Bit();
        }
        else
        {
            return false;
        }

        width = bits.Bits(16) + 1;
        height = bits.Bits(16) + 1;
        return !bits.IsOver;
    }
}
