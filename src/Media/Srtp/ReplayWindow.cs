using System.Runtime.CompilerServices;

namespace VoiceCluster.Media.Srtp;

/// <summary>
/// A sliding window over packet indices (RFC 3711 §3.3.2 asks for 64 at least). It is 1,024 wide, as browsers have it:
/// at 2.5 Mbit/s that is four seconds, so that a packet recovered by NACK is neither refused nor unsendable.
/// A ring of bits after RFC 6479: an index has a fixed bit, and moving forward clears whole words.
/// </summary>
internal struct ReplayWindow
{
    /// <summary>Indices below the highest that the window covers.</summary>
    public const int Width = 1024;

    private Words _seen;

    /// <summary>The highest index committed.</summary>
    public ulong Highest { get; private set; }

    /// <summary>Whether anything was committed.</summary>
    public bool Started { get; private set; }

    /// <summary>Whether an index is neither seen nor behind the window.</summary>
    public readonly bool IsFresh(ulong index) =>
        !Started || index > Highest || (Highest - index < Width && (_seen[Word(index)] & Bit(index)) == 0);

    /// <summary>Notes an index, only after its packet proved authentic.</summary>
    public void Commit(ulong index)
    {
        if (!Started)
        {
            Started = true;
            Highest = index;
        }
        else if (index > Highest)
        {
            // Words that the window has not reached before stand for indices of an earlier round.
            var words = Math.Min((index >> 6) - (Highest >> 6), Words.Count);
            for (ulong i = 1; i <= words; i++)
            {
                _seen[(int)(((Highest >> 6) + i) % Words.Count)] = 0;
            }

            Highest = index;
        }
        else if (Highest - index >= Width)
        {
            return;
        }

        _seen[Word(index)] |= Bit(index);
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

    private static int Word(ulong index) => (int)((index >> 6) % Words.Count);

    private static ulong Bit(ulong index) => 1UL << (int)(index & 63);

    /// <summary>One word more than the width, because the newest word is filled only in part.</summary>
    [InlineArray((int)Count)]
    private struct Words
    {
        public const ulong Count = (Width / 64) + 1;

        private ulong _first;
    }
}
