namespace VoiceCluster.Media.Routing;

/// <summary>
/// When to ask a producer for key frames: the first time at once, then at most once a second, and again each second
/// until one came.
/// </summary>
internal sealed class KeyFrameRequests
{
    /// <summary>µs between two requests.</summary>
    public const long Interval = 1_000_000;

    private uint _wanted;
    private long _lastSentAt = long.MinValue / 2;

    /// <summary>When <see cref="Take"/> next has something; <see cref="long.MaxValue"/> while nothing is wanted.</summary>
    public long Deadline => _wanted == 0 ? long.MaxValue : _lastSentAt + Interval;

    /// <summary>Somebody needs a key frame of this encoding, 0 to 31.</summary>
    public void Want(int encoding) => _wanted |= 1u << encoding;

    /// <summary>A key frame of this encoding came.</summary>
    public void OnKeyFrame(int encoding) => _wanted &= ~(1u << encoding);

    /// <summary>Nobody needs any more.</summary>
    public void Clear() => _wanted = 0;

    /// <summary>The encodings to ask for now, as bits, of those <paramref name="available"/>; 0 when none or when it is too soon.</summary>
    public uint Take(uint available, long now)
    {
        var taken = _wanted & available;
        if (taken == 0 || now < Deadline)
        {
            return 0;
        }

        _lastSentAt = now;
        return taken;
    }
}
