namespace VoiceCluster.Media.Rtp;

/// <summary>How a packet stands to those before it.</summary>
public enum SequenceVerdict
{
    /// <summary>The first of its stream, or the next highest, or late but plausible.</summary>
    Accepted = 0,

    /// <summary>The sender started anew: the extended number jumps ahead.</summary>
    Restarted,

    /// <summary>A single wild number: not to be used.</summary>
    Suspect,
}

/// <summary>Widens 16-bit sequence numbers to 64 bits that only grow, by RFC 3550 §A.1 (without its probation, which would cost the first packets).</summary>
public struct ExtendedSequence
{
    /// <summary>A gap up to this is loss (RFC 3550 §A.1).</summary>
    private const int MaxDropout = 3000;

    /// <summary>Lateness up to this is reordering; §A.1 says 100, RTX of a second of video needs more.</summary>
    private const int MaxMisorder = 1500;

    private int _expectedAfterBad;
    private bool _hasBad;

    /// <summary>True once a packet was accepted.</summary>
    public bool HasValue { get; private set; }

    /// <summary>The highest extended number.</summary>
    public long Highest { get; private set; }

    /// <summary>Widens <paramref name="sequence"/>. The first number gets 65,536 added, so that late ones stay positive.</summary>
    public SequenceVerdict Update(SequenceNumber sequence, out long extended)
    {
        if (!HasValue)
        {
            HasValue = true;
            Highest = extended = 65536 + sequence.Value;
            return SequenceVerdict.Accepted;
        }

        var delta = sequence.DistanceFrom(new SequenceNumber((ushort)Highest));
        extended = Highest + delta;
        if (delta is <= MaxDropout and >= -MaxMisorder)
        {
            _hasBad = false;
            Highest = Math.Max(Highest, extended);
            return SequenceVerdict.Accepted;
        }

        // RFC 3550 §A.1: two in a row after a large jump mean that the sender restarted.
        if (!_hasBad || _expectedAfterBad != sequence.Value)
        {
            _hasBad = true;
            _expectedAfterBad = (ushort)(sequence.Value + 1);
            return SequenceVerdict.Suspect;
        }

        _hasBad = false;
        extended = ((Highest >> 16) + 2 << 16) + sequence.Value;
        Highest = extended;
        return SequenceVerdict.Restarted;
    }
}
