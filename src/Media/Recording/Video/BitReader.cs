namespace VoiceCluster.Media.Recording.Video;

/// <summary>Reads bits, the highest of a byte first. Beyond the end it reads zeros and <see cref="IsOver"/> says so.</summary>
internal ref struct BitReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>True once more was read than there is.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Bits read so far.</summary>
    public int Position { get; private set; }

    /// <summary>One bit.</summary>
    public int Bit()
    {
        if (Position >= _bytes.Length * 8)
        {
            IsOver = true;
            return 0;
        }

        var bit = (_bytes[Position >> 3] >> (7 - (Position & 7))) & 1;
        Position++;
        return bit;
    }

    /// <summary>Up to 31 bits.</summary>
    public int Bits(int count)
    {
        var value = 0;
        for (var i = 0; i < count; i++)
        {
            value = (value << 1) | Bit();
        }

        return value;
    }

    /// <summary>ue(v), an unsigned Exp-Golomb code (ITU-T H.264 §9.1); <see cref="IsOver"/> for one of more than 31 bits.</summary>
    public int Unsigned()
    {
        var zeros = 0;
        while (!IsOver && Bit() == 0)
        {
            if (++zeros > 30)
            {
                IsOver = true;
                return 0;
            }
        }

        return (1 << zeros) - 1 + Bits(zeros);
    }

    /// <summary>se(v), a signed Exp-Golomb code (§9.1.1).</summary>
    public int Signed()
    {
        var code = Unsigned();
        return (code & 1) != 0 ? (code + 1) / 2 : -(code / 2);
    }
}
