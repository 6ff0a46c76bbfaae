namespace VoiceCluster.Media.Routing;

/// <summary>Which packets of a stream are missing and when to ask for them again (RFC 4585 §6.2.1).</summary>
internal sealed class NackGenerator
{
    /// <summary>Missing packets beyond this are not asked for one by one: a key frame is cheaper.</summary>
    public const int MaxMissing = 1000;

    /// <summary>Times that one packet is asked for.</summary>
    public const int MaxRetries = 10;

    /// <summary>µs that a gap may at least take to close by itself, since reordering is not loss.</summary>
    public const long MinPatience = 10_000;

    /// <summary>The most patience that much reordering can lead to, µs.</summary>
    private const long MaxPatience = 50_000;

    /// <summary>Round trip assumed while none is known, µs.</summary>
    private const long DefaultRoundTrip = 100_000;

    private readonly Missing[] _missing = new Missing[MaxMissing];
    private long _highest = -1;
    private long _patience = MinPatience;

    private struct Missing
    {
        public long Sequence;
        public long NoticedAt;
        public long DueAt;
        public int Retries;
    }

    /// <summary>Packets missing now.</summary>
    public int Count { get; private set; }

    /// <summary>Takes note of a packet. False when too many are missing: they are given up and a key frame is needed.</summary>
    public bool OnPacket(long sequence, bool isRetransmission, long now)
    {
        if (_highest < 0)
        {
            _highest = sequence;
            return true;
        }

        if (sequence <= _highest)
        {
            Remove(sequence, isRetransmission, now);
            return true;
        }

        var gap = sequence - _highest - 1;
        if (Count + gap > MaxMissing)
        {
            Count = 0;
            _highest = sequence;
            return false;
        }

        for (var s = _highest + 1; s < sequence; s++)
        {
            _missing[Count++] = new Missing { Sequence = s, NoticedAt = now, DueAt = now + _patience };
        }

        _highest = sequence;
        return true;
    }

    /// <summary>Begins anew at the next packet.</summary>
    public void Reset()
    {
        Count = 0;
        _highest = -1;
    }

    /// <summary>Fills in the numbers to ask for now, ascending, and returns how many.</summary>
    public int Collect(long now, long roundTrip, Span<ushort> sequences)
    {
        var collected = 0;
        var kept = 0;
        var again = Math.Max(20_000, roundTrip > 0 ? roundTrip * 3 / 2 : DefaultRoundTrip);
        for (var i = 0; i < Count; i++)
        {
            var one = _missing[i];
            if (one.DueAt <= now && collected < sequences.Length)
            {
                if (one.Retries == MaxRetries)
                {
                    continue;
                }

                one.Retries++;
                one.DueAt = now + again;
                sequences[collected++] = (ushort)one.Sequence;
            }

            _missing[kept++] = one;
        }

        Count = kept;
        return collected;
    }

    private void Remove(long sequence, bool isRetransmission, long now)
    {
        for (var i = 0; i < Count; i++)
        {
            if (_missing[i].Sequence == sequence)
            {
                if (!isRetransmission)
                {
                    Learn(now - _missing[i].NoticedAt);
                }

                Array.Copy(_missing, i + 1, _missing, i, Count - i - 1);
                Count--;
                return;
            }
        }
    }

    // Rises to the lateness seen at once, falls slowly.
    private void Learn(long lateness)
        => _patience = Math.Clamp(Math.Max(lateness, _patience - ((_patience - MinPatience) / 64)), MinPatience, MaxPatience);
}
