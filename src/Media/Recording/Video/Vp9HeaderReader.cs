namespace VoiceCluster.Media.Recording.Video;

/// <summary>
/// Reads the uncompressed headers of a stream's frames, each of them in order: a frame's size may be that of one that it refers to
/// (VP9 bitstream specification §6.2, in whose order and by whose names this is).
/// </summary>
internal sealed class Vp9HeaderReader
{
    private const int SyncCode = 0x49_83_42;
    private const int SrgbColorSpace = 7;
    private const int Slots = 8;
    private const int References = 3;

    // Of the frames in the slots; 0 while unknown.
    private readonly (int Width, int Height)[] _sizes = new (int, int)[Slots];
    private int _profile;

    /// <summary>
    /// Reads the header at the beginning of a frame; false when it is none or not whole, or stands upon a frame that has not come. The size is told as soon
    /// as it is read.
    /// </summary>
    public bool TryRead(ReadOnlySpan<byte> frame, out Vp9FrameHeader header)
    {
        header = default;
        var bits = new BitReader(frame);
        if (bits.Bits(2) != 2)
        {
            return false;
        }

        _profile = bits.Bit() + (bits.Bit() << 1);
        if (_profile == 3 && bits.Bit() != 0)
        {
            return false;
        }

        // show_existing_frame: the rest is which.
        if (bits.Bit() != 0)
        {
            var (width, height) = _sizes[bits.Bits(3)];
            header = new Vp9FrameHeader(false, false, 0, bits.Position, width, height);
            return !bits.IsOver;
        }

        var isKeyFrame = bits.Bit() == 0;
        var shownAt = bits.Position;
        var isShown = bits.Bit() != 0;
        var isResilient = bits.Bit() != 0;
        if (!TryReadFrame(ref bits, isKeyFrame, isShown, isResilient, out var size, out var refreshed))
        {
            return false;
        }

        header = new Vp9FrameHeader(isKeyFrame, isShown, shownAt, 0, size.Width, size.Height);
        if (!isResilient)
        {
            // refresh_frame_context, frame_parallel_decoding_mode.
            bits.Bits(2);
        }

        // frame_context_idx.
        bits.Bits(2);
        SkipLoopFilter(ref bits);
        SkipQuantization(ref bits);
        SkipSegmentation(ref bits);
        SkipTiles(ref bits, size.Width);

        // header_size_in_bytes, of the compressed header that follows.
        if (bits.Bits(16) == 0 || bits.IsOver)
        {
            return false;
        }

        for (var i = 0; i < Slots; i++)
        {
            if ((refreshed & (1 << i)) != 0)
            {
                _sizes[i] = size;
            }
        }

        header = header with { Bits = bits.Position };
        return true;
    }

    private bool TryReadFrame(ref BitReader bits, bool isKeyFrame, bool isShown, bool isResilient, out (int Width, int Height) size, out int refreshed)
    {
        (size, refreshed) = (default, 0xFF);
        if (isKeyFrame)
        {
            if (bits.Bits(24) != SyncCode || !TrySkipColor(ref bits))
            {
                return false;
            }

            size = ReadSize(ref bits);
            SkipRenderSize(ref bits);
            return !bits.IsOver;
        }

        var isIntraOnly = !isShown && bits.Bit() != 0;
        if (!isResilient)
        {
            // reset_frame_context.
            bits.Bits(2);
        }

        if (isIntraOnly)
        {
            if (bits.Bits(24) != SyncCode || (_profile > 0 && !TrySkipColor(ref bits)))
            {
                return false;
            }

            refreshed = bits.Bits(8);
            size = ReadSize(ref bits);
            SkipRenderSize(ref bits);
            return !bits.IsOver;
        }

        refreshed = bits.Bits(8);
        Span<int> slots = stackalloc int[References];
        for (var i = 0; i < References; i++)
        {
            // ref_frame_idx, ref_frame_sign_bias.
            slots[i] = bits.Bits(3);
            bits.Bit();
        }

        // frame_size_with_refs: found_ref up to the first that has its size.
        var found = -1;
        for (var i = 0; i < References && found < 0; i++)
        {
            found = bits.Bit() != 0 ? slots[i] : -1;
        }

        size = found >= 0 ? _sizes[found] : ReadSize(ref bits);
        SkipRenderSize(ref bits);

        // allow_high_precision_mv, is_filter_switchable, raw_interpolation_filter.
        bits.Bit();
        if (bits.Bit() == 0)
        {
            bits.Bits(2);
        }

        return !bits.IsOver && size.Width > 0;
    }

    // §6.2.2, color_config.
    private bool TrySkipColor(ref BitReader bits)
    {
        if (_profile >= 2)
        {
            bits.Bit();
        }

        if (bits.Bits(3) != SrgbColorSpace)
        {
            bits.Bit();
            if ((_profile & 1) != 0)
            {
                bits.Bits(3);
            }

            return true;
        }

        return (_profile & 1) != 0 && bits.Bit() == 0;
    }

    private static (int Width, int Height) ReadSize(ref BitReader bits)
    {
        var width = bits.Bits(16) + 1;
        return (width, bits.Bits(16) + 1);
    }

    private static void SkipRenderSize(ref BitReader bits)
    {
        if (bits.Bit() != 0)
        {
            bits.Bits(16);
            bits.Bits(16);
        }
    }

    private static void SkipLoopFilter(ref BitReader bits)
    {
        // loop_filter_level, loop_filter_sharpness, loop_filter_delta_enabled, loop_filter_delta_update, then four and two deltas of 7 bits.
        bits.Bits(9);
        if (bits.Bit() != 0 && bits.Bit() != 0)
        {
            for (var i = 0; i < 6; i++)
            {
                SkipIfSet(ref bits, 7);
            }
        }
    }

    private static void SkipQuantization(ref BitReader bits)
    {
        // base_q_idx, then three deltas of 5 bits.
        bits.Bits(8);
        for (var i = 0; i < 3; i++)
        {
            SkipIfSet(ref bits, 5);
        }
    }

    private static void SkipSegmentation(ref BitReader bits)
    {
        if (bits.Bit() == 0)
        {
            return;
        }

        // segmentation_update_map: seven tree probabilities, and three more if they are temporal.
        if (bits.Bit() != 0)
        {
            for (var i = 0; i < 7; i++)
            {
                SkipIfSet(ref bits, 8);
            }

            if (bits.Bit() != 0)
            {
                for (var i = 0; i < 3; i++)
                {
                    SkipIfSet(ref bits, 8);
                }
            }
        }

        // segmentation_update_data, segmentation_abs_or_delta_update, and of eight segments four features, two of them signed.
        if (bits.Bit() != 0)
        {
            bits.Bit();
            for (var i = 0; i < 8; i++)
            {
                SkipIfSet(ref bits, 8 + 1);
                SkipIfSet(ref bits, 6 + 1);
                SkipIfSet(ref bits, 2);
                SkipIfSet(ref bits, 0);
            }
        }
    }

    // A tile is 256 pixels wide at least and 4,096 at most.
    private static void SkipTiles(ref BitReader bits, int width)
    {
        var blocks = (width + 63) / 64;
        var least = 0;
        while ((64 << least) < blocks)
        {
            least++;
        }

        var most = 1;
        while ((blocks >> most) >= 4)
        {
            most++;
        }

        for (var columns = least; columns < most - 1 && bits.Bit() != 0; columns++)
        {
        }

        // tile_rows_log2.
        SkipIfSet(ref bits, 1);
    }

    private static void SkipIfSet(ref BitReader bits, int count)
    {
        if (bits.Bit() != 0)
        {
            bits.Bits(count);
        }
    }
}
