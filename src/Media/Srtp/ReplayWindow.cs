namespace VoiceCluster.Media.Srtp;

/// <summary>
/// A sliding window over packet indices (RFC 3711 §3.3.2; at least 64 wide, this is 128).
/// Bit n of <c>_seen</c> stands for the index n below the highest. Empty is all zero.
/// </summary>
internal struct ReplayWindow
{
    /// <summary>Indices that the window covers.</summary>
    public const int Width = 128;

    private UInt128 _seen;

    /// <summary>The highest index committed.</summary>
    public ulong Highest { get; private set; }

    /// <summary>Whether anything was committed.</summary>
    public readonly bool Started => _seen != UInt128.Zero;

    /// <summary>Whether an index is neither seen nor behind the window.</summary>
    public readonly bool IsFresh(ulong index)
    {
        if (!Started || index > Highest)
        {
            return true;
        }

        var behind = Highest - index;
        return behind < Width && ((_seen >> (int)behind) & UInt128.One) == UInt128.Zero;
    }

    /// <summary>Notes an index, only after its packet proved authentic.</summary>
    public void Commit(ulong index)
    {
        if (!Started)
        {
            Highest = index;
            _seen = UInt128.One;
        }
        else if (index > Highest)
        {
            var ahead = index - Highest;
            _seen = ahead < Width ? (_seen << (int)ahead) | UInt128.One : UInt128.One;
            Highest = index;
        }
        else if (Highest - index < Width)
        {
            _seen |= UInt128.One << (int)(Highest - index);
        }
    }

    /// <summary>
    /// The 48-bit index of a sequence number by the one nearest to the highest (RFC 3711 §3.3.1, appendix A).
    /// False when that lies before the first roll-over count or past the last.
    /// </summary>
    public readonly bool TryEstimate(ushort sequence, out ulong index)
    {
        var rollOver = (long)(Highest >> 16);
        var highest = (int)(Highest & 0xFFFF);
        if (Started)
        {
            if (highest < 0x8000)
            {
                rollOver -= sequence - highest > 0x8000 ? 1 : 0;
            }
            else
            {
                rollOver += highest - 0x8000 > sequence ? 1 : 0;
            }
        }

        index = ((ulong)rollOver << 16) | sequence;
        return rollOver is >= 0 and <= uint.MaxValue;
    }
}
