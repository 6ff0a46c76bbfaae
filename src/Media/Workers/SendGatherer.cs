namespace VoiceCluster.Media.Workers;

/// <summary>
/// Lets what a worker sends gather for some milliseconds once the worker is at its limit: packets of several speakers then leave together for each
/// receiver, and a message with three of them costs little more than one with one. It trades delay for the packets that would be
/// lost otherwise, a step at a time, and takes the delay back when there is room again. Sans-IO: it is told of the loop and of the time.
/// </summary>
public sealed class SendGatherer
{
    /// <summary>Microseconds over which it judges.</summary>
    private const long Window = 100_000;

    /// <summary>Shares of the window in which the worker was not waiting: it goes a step up from the one and a step down below the other.</summary>
    private const double AtTheLimit = 0.9;
    private const double Relaxed = 0.5;

    /// <summary>Datagrams of a message below which a delay does not pay, and windows in a row in which it may not: speakers pause.</summary>
    private const double Worthwhile = 1.25;
    private const int Patience = 10;

    /// <summary>Microseconds for which it leaves off when that was so; twice as long each time, up to the most.</summary>
    private const long FirstRest = 2_000_000;
    private const long LongestRest = 64_000_000;

    /// <summary>Microseconds of a delay, by step. The last is a frame of sound: every speaker has a packet in it.</summary>
    private static readonly long[] Steps = [0, 5_000, 10_000, 20_000];

    private int _step;
    private int _inVain;
    private long _windowStart;
    private long _busyAtStart;
    private long _datagramsAtStart;
    private long _messagesAtStart;
    private long _rest = FirstRest;
    private long _restUntil;

    /// <summary>Microseconds for which packets may gather from the first of them on; 0 sends at once.</summary>
    public long Delay => Steps[_step];

    /// <summary>Tells it of a round of the loop.</summary>
    /// <param name="now">Microseconds.</param>
    /// <param name="busy">Microseconds since the start in which the worker was not waiting.</param>
    /// <param name="datagrams">Datagrams sent since the start.</param>
    /// <param name="messages">Messages in which they left.</param>
    public void Observe(long now, long busy, long datagrams, long messages)
    {
        if (now - _windowStart < Window)
        {
            return;
        }

        var share = (busy - _busyAtStart) / (double)(now - _windowStart);
        var together = datagrams - _datagramsAtStart >= (messages - _messagesAtStart) * Worthwhile;
        (_windowStart, _busyAtStart, _datagramsAtStart, _messagesAtStart) = (now, busy, datagrams, messages);
        _inVain = together || _step == 0 ? 0 : _inVain + 1;
        if (share < Relaxed)
        {
            _step = Math.Max(0, _step - 1);
        }
        else if (_inVain == Patience)
        {
            _step = 0;
            _restUntil = now + _rest;
            _rest = Math.Min(2 * _rest, LongestRest);
        }
        else if (share >= AtTheLimit && now >= _restUntil)
        {
            _step = Math.Min(_step + 1, Steps.Length - 1);
        }

        if (_step > 0 && together)
        {
            _rest = FirstRest;
        }
    }
}
