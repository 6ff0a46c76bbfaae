using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// Divides a bitrate among the video consumers of one receiver, those of higher priority first: the lowest level of each
/// before a higher one of any, then a level at a time in turn, as many a turn as the priority says. A step up needs some
/// more than it takes, and time since the last step down.
/// </summary>
internal sealed class VideoAllocation
{
    /// <summary>What must be there for a level above the present one, as a multiple of what it takes.</summary>
    private const double Margin = 1.1;

    /// <summary>How much more than what is there the present level may take: rates of pictures vary.</summary>
    public const double Leniency = 1.05;

    private readonly List<ProducerConsumer> _ordered = [];

    /// <summary>What the best levels may grow by before somebody has to step down, as a multiple: it is known to arrive before it is needed.</summary>
    private const double Headroom = 1.5;

    /// <summary>Bits a second with which everybody has the best level and keeps it while it grows; 0 where nobody has a choice of levels.</summary>
    public double Wanted { get; private set; }

    /// <summary>Whether somebody has less than the best.</summary>
    public bool IsShort { get; private set; }

    /// <summary>Whether nobody has more than the lowest level, and somebody who could be paused has that.</summary>
    public bool IsAtFloor { get; private set; }

    /// <param name="consumers">Of one receiver.</param>
    /// <param name="budget">Bits a second.</param>
    /// <param name="pauses">
    /// How many of those whose lowest level does not fit are paused: all for a limit, else none until it is certain that the lowest levels
    /// are too much. An estimate can be far too low; then the lowest levels go on, and what arrives of them raises it.
    /// </param>
    /// <param name="mayRetry">Whether who is paused for want of room may be tried again when its time has come.</param>
    /// <param name="now">µs.</param>
    public void Divide(List<Consumer> consumers, double budget, int pauses, bool mayRetry, long now)
    {
        Order(consumers, now);

        // :: Step 1. The lowest level of each.
        var left = budget;
        foreach (var consumer in _ordered)
        {
            var ladder = consumer.Ladder;
            var rate = ladder.RateAt(0);
            if (!consumer.MayStarve || !consumer.IsStarved || Fits(ladder, 0, rate, left, now) || (mayRetry && now >= ladder.RetryAt))
            {
                ladder.Next = 0;
                left -= rate;
            }
        }

        for (var i = _ordered.Count - 1; i >= 0 && pauses > 0 && left < 0; i--)
        {
            // Those of the lowest priority first, and only until the others fit.
            var ladder = _ordered[i].Ladder;
            if (_ordered[i].MayStarve && ladder.Next == 0 && left + ((Leniency - 1) * ladder.RateAt(0)) < 0)
            {
                ladder.Next = -1;
                left += ladder.RateAt(0);
                pauses--;
            }
        }

        left = Math.Max(0, left);

        // :: Step 2. Levels above in turn.
        for (var raised = true; raised;)
        {
            raised = false;
            foreach (var consumer in _ordered)
            {
                for (var turn = 0; turn < consumer.Priority && TryRaise(consumer.Ladder, ref left, now); turn++)
                {
                    raised = true;
                }
            }
        }

        // :: Step 3. They take effect.
        Wanted = 0;
        IsShort = false;
        IsAtFloor = false;
        var isAbove = false;
        var hasChoice = false;
        foreach (var consumer in _ordered)
        {
            Wanted += consumer.Ladder.RateAt(consumer.Ladder.Count - 1) * Headroom;
            IsShort |= consumer.Ladder.Next < consumer.Ladder.Count - 1;
            hasChoice |= consumer.Ladder.Count > 1;
            isAbove |= consumer.Ladder.Next > 0;
            IsAtFloor |= consumer.Ladder.Next == 0 && consumer.MayStarve;
            consumer.TakeLevel(left, now);
        }

        IsAtFloor &= !isAbove;
        Wanted = hasChoice ? Wanted : 0;
    }

    private static bool TryRaise(LayerLadder ladder, ref double left, long now)
    {
        if (ladder.Next < 0 || ladder.Next == ladder.Count - 1)
        {
            return false;
        }

        var step = ladder.RateAt(ladder.Next + 1) - ladder.RateAt(ladder.Next);
        if (!Fits(ladder, ladder.Next + 1, step, left, now))
        {
            return false;
        }

        ladder.Next++;
        left -= step;
        return true;
    }

    private static bool Fits(LayerLadder ladder, int level, double step, double left, long now)
    {
        var rate = ladder.RateAt(level);
        return level > ladder.Present
            ? now >= ladder.HeldUntil && step + ((Margin - 1) * rate) <= left
            : step - ((Leniency - 1) * rate) <= left;
    }

    // By priority, and those of one as they came.
    private void Order(List<Consumer> consumers, long now)
    {
        _ordered.Clear();
        foreach (var consumer in consumers)
        {
            if (consumer is not ProducerConsumer { Kind: MediaKind.Video, IsPaused: false } video || !video.MeasureLadder(now))
            {
                continue;
            }

            var place = _ordered.Count;
            while (place > 0 && _ordered[place - 1].Priority < video.Priority)
            {
                place--;
            }

            _ordered.Insert(place, video);
        }
    }
}
