namespace VoiceCluster.Media.Rtp;

/// <summary>A synchronisation source (RFC 3550 §3).</summary>
public readonly record struct Ssrc(uint Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>An RTP payload type, 0 to 127.</summary>
public readonly record struct PayloadType(byte Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>A 16-bit RTP sequence number, compared by serial arithmetic (RFC 1982).</summary>
public readonly record struct SequenceNumber(ushort Value)
{
    /// <summary>How far this is ahead of <paramref name="other"/>; negative when behind.</summary>
    public int DistanceFrom(SequenceNumber other) => (short)(Value - other.Value);

    /// <summary>True when this comes after <paramref name="other"/>.</summary>
    public bool IsAfter(SequenceNumber other) => DistanceFrom(other) > 0;

    /// <summary>The number <paramref name="count"/> further on.</summary>
    public SequenceNumber Plus(int count) => new((ushort)(Value + count));
}
