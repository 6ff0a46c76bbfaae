namespace VoiceCluster.Media.Recording.Video;

/// <summary>The picture's size in a sequence parameter set (ITU-T H.264 §7.3.2.1.1).</summary>
internal static class H264Sps
{
    /// <summary>The largest side that is believed, pixels.</summary>
    private const int MaxSide = 16_384;

    /// <summary>Reads it from the unit, header byte included; false when it is malformed.</summary>
    public static bool TryReadSize(ReadOnlySpan<byte> unit, out int width, out int height)
    {
        (width, height) = (0, 0);
        Span<byte> raw = stackalloc byte[Math.Min(unit.Length, 1_024)];
        var bits = new BitReader(raw[..Unescape(unit, raw)]);
        bits.Bits(8);
        var profile = bits.Bits(8);
        bits.Bits(16);
        bits.Unsigned();
        var chroma = 1;
        if (profile is 100 or 110 or 122 or 244 or 44 or 83 or 86 or 118 or 128 or 138 or 139 or 134 or 135)
        {
            chroma = bits.Unsigned();
            if (chroma == 3)
            {
                bits.Bit();
            }

            bits.Unsigned();
            bits.Unsigned();
            bits.Bit();
            if (bits.Bit() != 0)
            {
                SkipScalingLists(ref bits, chroma == 3 ? 12 : 8);
            }
        }

        bits.Unsigned();
        SkipOrder(ref bits);
        bits.Unsigned();
        bits.Bit();
        long across = (bits.Unsigned() + 1L) * 16;
        long mapUnits = bits.Unsigned() + 1L;
        var frames = bits.Bit();
        if (frames == 0)
        {
            bits.Bit();
        }

        long down = mapUnits * 16 * (2 - frames);
        bits.Bit();
        if (bits.Bit() != 0)
        {
            // Cropping in units of chroma samples (§7.4.2.1.1, equations 7-19 to 7-22).
            var unitX = chroma is 1 or 2 ? 2 : 1;
            var unitY = (chroma == 1 ? 2 : 1) * (2 - frames);
            across -= unitX * (long)(bits.Unsigned() + bits.Unsigned());
            down -= unitY * (long)(bits.Unsigned() + bits.Unsigned());
        }

        if (bits.IsOver || across is < 1 or > MaxSide || down is < 1 or > MaxSide)
        {
            return false;
        }

        (width, height) = ((int)across, (int)down);
        return true;
    }

    private static void SkipOrder(ref BitReader bits)
    {
        switch (bits.Unsigned())
        {
            case 0:
                bits.Unsigned();
                break;
            case 1:
                bits.Bit();
                bits.Signed();
                bits.Signed();
                for (var i = Math.Min(255, bits.Unsigned()); i > 0; i--)
                {
                    bits.Signed();
                }

                break;
            default:
                break;
        }
    }

    private static void SkipScalingLists(ref BitReader bits, int count)
    {
        for (var list = 0; list < count; list++)
        {
            if (bits.Bit() == 0)
            {
                continue;
            }

            var (last, next) = (8, 8);
            for (var i = 0; i < (list < 6 ? 16 : 64); i++)
            {
                next = next == 0 ? 0 : (last + bits.Signed() + 256) % 256;
                last = next == 0 ? last : next;
            }
        }
    }

    // §7.4.1: emulation prevention, 00 00 03.
    private static int Unescape(ReadOnlySpan<byte> unit, Span<byte> raw)
    {
        var (length, zeros) = (0, 0);
        foreach (var one in unit)
        {
            if (zeros >= 2 && one == 3)
            {
                zeros = 0;
                continue;
            }

            if (length == raw.Length)
            {
                break;
            }

            raw[length++] = one;
            zeros = one == 0 ? zeros + 1 : 0;
        }

        return length;
    }
}
