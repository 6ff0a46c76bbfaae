namespace VoiceCluster.Media.Bandwidth;

/// <summary>
/// How long packets wait on the way: their delay above the least that was seen lately. The slope of the delay needs many groups
/// of packets, which a link that has become slow delivers slowly; a queue that is long and does not shrink is clear at once.
/// </summary>
internal sealed class QueueDelay
{
    /// <summary>µs of waiting beyond which it is a queue and not the network's noise: a sound is heard late from there.</summary>
    private const long Ceiling = 120_000;

    /// <summary>µs by which the delay must have changed to have changed.</summary>
    public const long Noise = 10_000;

    /// <summary>µs of waiting that suffice where one feedback's packets wait longer and longer by <see cref="Steep"/>: a link that has become much slower.</summary>
    private const long SteepCeiling = 60_000;
    private const long Steep = 30_000;

    /// <summary>Feedbacks one after another that must say it.</summary>
    private const int Confirmed = 2;

    /// <summary>µs between two verdicts on a queue that stays as it is.</summary>
    private const long StandingEvery = 500_000;

    /// <summary>Verdicts without effect after which the way is taken to have become longer.</summary>
    private const int MaxVain = 8;

    /// <summary>µs that the least delay is remembered at least, and at most twice as long.</summary>
    private const long Memory = 10_000_000;

    private long _least = long.MaxValue;
    private long _leastBefore = long.MaxValue;
    private long _memoryBegan;
    private long _previous = long.MaxValue;
    private long _verdictAt = long.MinValue / 2;
    private int _vain;
    private int _inARow;

    /// <summary>µs, by the last feedback.</summary>
    public long Current { get; private set; }

    /// <summary>Since when every feedback has told of a queue; <see cref="long.MaxValue"/> while the last one did not.</summary>
    public long StandsSince { get; private set; } = long.MaxValue;

    /// <summary>Takes the least of one feedback's delays, by whatever two clocks. True when the sender is to send less.</summary>
    /// <param name="delay">µs.</param>
    /// <param name="stretch">
    /// How much longer the packets took to come than to be sent, µs. Far below zero they came faster one after another: a receiver that
    /// got no processor for a while reads so what has come meanwhile, and a queue that empties needs no help.
    /// </param>
    /// <param name="now">µs.</param>
    public bool Update(long delay, long stretch, long now)
    {
        if (now - _memoryBegan > Memory)
        {
            (_leastBefore, _least, _memoryBegan) = (_least, long.MaxValue, now);
        }

        _least = Math.Min(_least, delay);
        Current = delay - Math.Min(_least, _leastBefore);
        var change = _previous == long.MaxValue ? 0 : delay - _previous;
        _previous = delay;
        if (Current >= SteepCeiling && stretch > Steep && change > Noise)
        {
            _verdictAt = now;
            StandsSince = Math.Min(StandsSince, now);
            return true;
        }

        StandsSince = Current < Ceiling ? long.MaxValue : Math.Min(StandsSince, now);
        if (Current < Ceiling || stretch < -Noise)
        {
            _vain = Current < Ceiling ? 0 : _vain;
            _inARow = 0;
            return false;
        }

        // One feedback can be the first part of what a receiver reads late, unless its packets came one after another out of a queue.
        if (++_inARow < Confirmed && stretch <= Noise)
        {
            return false;
        }

        if (change > Noise)
        {
            _verdictAt = now;
            return true;
        }

        if (change < -Noise || now - _verdictAt < StandingEvery)
        {
            return false;
        }

        _verdictAt = now;
        if (++_vain > MaxVain)
        {
            (_least, _leastBefore, _vain) = (delay, long.MaxValue, 0);
            return false;
        }

        return true;
    }
}
