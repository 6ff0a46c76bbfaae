namespace VoiceCluster.Media.Workers;

/// <summary>
/// Lets packets gather, from the first one on, before a busy worker takes them, so that more of them leave together: what goes to one receiver in
/// one message costs a fraction of what it costs alone. It pauses only while the worker is busy enough for the saving to matter more
/// than the delay, and only where packets do leave together. Sans-IO: it is told of each round of the loop and of the time.
/// </summary>
public sealed class BatchPacer
{
    /// <summary>Microseconds of a pause: what a packet is delayed by at most, a twentieth of a frame of sound.</summary>
    public const long Pause = 1_000;

    /// <summary>Microseconds over which it judges.</summary>
    private const long Window = 20_000;

    /// <summary>Microseconds for which it leaves off when pauses have not paid; twice as long each time, up to the most.</summary>
    private const long FirstRest = 1_000_000;
    private const long LongestRest = 16_000_000;

    /// <summary>Shares of the window in which the worker was not waiting: it begins to pause above the one and ends below the other.</summary>
    private const double BusyEnough = 0.3;
    private const double IdleEnough = 0.1;

    /// <summary>Datagrams of a message below which a pause does not pay.</summary>
    private const double Worthwhile = 1.25;

    /// <summary>Datagrams that were waiting when the worker last looked, above which nothing needs to gather.</summary>
    private const int Plenty = 32;

    private long _windowStart;
    private long _busyAtStart;
    private long _datagramsAtStart;
    private long _messagesAtStart;
    private long _rest = FirstRest;
    private long _restUntil;

    /// <summary>Whether it lets packets gather now.</summary>
    public bool IsPacing { get; private set; }

    /// <summary>Microseconds to pause once the next datagram is there, before it is taken; 0 for none.</summary>
    /// <param name="now">Microseconds.</param>
    /// <param name="busy">Microseconds since the start in which the worker was not waiting.</param>
    /// <param name="datagrams">Datagrams sent since the start.</param>
    /// <param name="messages">Messages in which they left.</param>
    /// <param name="received">Datagrams that the last round took.</param>
    public long Next(long now, long busy, long datagrams, long messages, int received)
    {
        if (now - _windowStart >= Window)
        {
            Judge(now, busy, datagrams, messages);
            (_windowStart, _busyAtStart, _datagramsAtStart, _messagesAtStart) = (now, busy, datagrams, messages);
        }

        return IsPacing && received < Plenty ? Pause : 0;
    }

    private void Judge(long now, long busy, long datagrams, long messages)
    {
        var share = (busy - _busyAtStart) / (double)(now - _windowStart);
        if (!IsPacing)
        {
            IsPacing = share > BusyEnough && now >= _restUntil;
            return;
        }

        if (share < IdleEnough)
        {
            IsPacing = false;
        }
        else if (datagrams - _datagramsAtStart < (messages - _messagesAtStart) * Worthwhile)
        {
            IsPacing = false;
            _restUntil = now + _rest;
            _rest = Math.Min(2 * _rest, LongestRest);
        }
        else
        {
            _rest = FirstRest;
        }
    }
}
