namespace VoiceCluster.Media.Routing;

/// <summary>
/// When to ask a producer for key frames: of each of its streams the first time at once, then at most once a second, and again
/// each second until one came. Streams do not wait for each other: who has to leave one cannot wait because somebody joined another.
/// </summary>
internal sealed class KeyFrameRequests
{
    /// <summary>µs between two requests.</summary>
    public const long Interval = 1_000_000;

    private readonly long[] _sentAt;
    private uint _wanted;

    public KeyFrameRequests(int encodings)
    {
        _sentAt = new long[encodings];
        Array.Fill(_sentAt, long.MinValue / 2);
    }

    /// <summary>When <see cref="Take"/> next has something of the encodings <paramref name="available"/>; <see cref="long.MaxValue"/> for never.</summary>
    public long NextAt(uint available)
    {
        var next = long.MaxValue;
        for (var encoding = 0; encoding < _sentAt.Length; encoding++)
        {
            next = IsWanted(encoding, available) ? Math.Min(next, _sentAt[encoding] + Interval) : next;
        }

        return next;
    }

    /// <summary>Somebody needs a key frame of this encoding.</summary>
    public void Want(int encoding) => _wanted |= 1u << encoding;

    /// <summary>A key frame of this encoding came.</summary>
    public void OnKeyFrame(int encoding) => _wanted &= ~(1u << encoding);

    /// <summary>Nobody needs any more.</summary>
    public void Clear() => _wanted = 0;

    /// <summary>The encodings to ask for now, as bits, of those <paramref name="available"/>; 0 when none or when it is too soon.</summary>
    public uint Take(uint available, long now)
    {
        var taken = 0u;
        for (var encoding = 0; encoding < _sentAt.Length; encoding++)
        {
            if (IsWanted(encoding, available) && now >= _sentAt[encoding] + Interval)
            {
                taken |= 1u << encoding;
                _sentAt[encoding] = now;
            }
        }

        return taken;
    }

    private bool IsWanted(int encoding, uint available) => (_wanted & available & (1u << encoding)) != 0;
}
