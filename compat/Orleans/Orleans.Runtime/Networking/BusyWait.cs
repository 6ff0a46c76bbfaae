using System.Diagnostics;
using System.Net.Sockets;

namespace Orleans.Runtime.Networking;

/// <summary>
/// Waits for the next bytes of a socket without sleeping, for a moment only, and only as long as that has been worth it: to put
/// a thread to sleep and to wake another takes longer than an echo. Who answers fast is waited for, who speaks now and then is
/// not. It lets others have the processor meanwhile, and ends when they take it. Used by one thread at a time.
/// </summary>
internal sealed class BusyWait(Socket socket)
{
    /// <summary>A message that comes so soon after a thread has gone to sleep for it could have been waited for: the wakes take most of it.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromMicroseconds(120);

    /// <summary>Messages in a row that must come soon before they are waited for, at first.</summary>
    public const int Trials = 8;

    /// <summary>The same after it was in vain again and again.</summary>
    public const int MaxTrials = Trials << 3;

    /// <summary>Waits in vain in a row before it ends.</summary>
    public const int Patience = 4;

    /// <summary>
    /// The longest wait. An echo takes a tenth of it, but the other side may have gone to sleep for once: what its wakes take must not
    /// end the wait here as well, because then each side sleeps since the other one does.
    /// </summary>
    private static readonly long Limit = Ticks(microseconds: 200);

    /// <summary>How long a thread looks before it lets others have the processor if they want it.</summary>
    private static readonly long OwnTime = Ticks(microseconds: 5);

    /// <summary>Who gets the processor back so late had to share it: others want it, and the wait ends.</summary>
    private static readonly long Shared = Ticks(microseconds: 50);

    /// <summary>How long a connection whose work took long is read in the ordinary way.</summary>
    private static readonly TimeSpan RestAfterLongWork = TimeSpan.FromMilliseconds(250);

    /// <summary>Messages that must have been waited for before the next end for it to have been worth it.</summary>
    private const int Worth = 64;

    /// <summary>Turns of the loop that does nothing, between two looks at the socket: less than half a microsecond.</summary>
    private const int Turns = 10;

    /// <summary>Threads of the process that wait so at a time: the others are left for the work.</summary>
    private static readonly int MaxWaiting = Math.Max(1, Environment.ProcessorCount / 2);

    private static int _waiting;

    private int _trials = Trials;
    private int _soon;
    private int _came;
    private int _inVain;
    private long _notBefore;

    /// <summary>Whether the next message is worth waiting for.</summary>
    public bool IsWorthIt => _soon >= _trials && Environment.TickCount64 >= _notBefore;

    /// <summary>Whether work took long a moment ago.</summary>
    public bool IsResting => _notBefore != 0 && Environment.TickCount64 < _notBefore;

    /// <summary>A message came after so long a sleep.</summary>
    public void NoteSleep(TimeSpan sleep) => _soon = sleep < Soon ? _soon + 1 : 0;

    /// <summary>Several messages came together: there is enough to do without waiting.</summary>
    public void NoteMany() => _soon = 0;

    /// <summary>What a message caused took long, and nobody read meanwhile.</summary>
    public void NoteLongWork()
    {
        _soon = 0;
        _notBefore = Environment.TickCount64 + (long)RestAfterLongWork.TotalMilliseconds;
    }

    /// <summary>Waits until there is something to read, or until it has taken too long: then it answers false.</summary>
    public bool TryWait()
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MaxWaiting)
            {
                return false;
            }

            var hasCome = HasCome();
            Note(hasCome);
            return hasCome;
        }
        catch (ObjectDisposedException)
        {
            // The connection was closed meanwhile: the read that follows finds that out.
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private bool HasCome()
    {
        var since = Stopwatch.GetTimestamp();
        var last = since;
        while (socket.Available == 0)
        {
            Thread.SpinWait(Turns);
            var now = Stopwatch.GetTimestamp();
            if (now - since > Limit)
            {
                return false;
            }

            if (now - last > OwnTime)
            {
                Thread.Yield();
                last = Stopwatch.GetTimestamp();
                if (last - now > Shared)
                {
                    return socket.Available != 0;
                }
            }
        }

        return true;
    }

    private static long Ticks(int microseconds) => microseconds * Stopwatch.Frequency / 1_000_000;

    private void Note(bool hasCome)
    {
        if (hasCome)
        {
            _came++;
            _inVain = 0;
        }
        else if (++_inVain >= Patience)
        {
            // On a busy machine the sender may not be running: then it is tried less and less often.
            _trials = _came >= Worth ? Trials : Math.Min(_trials * 2, MaxTrials);
            (_soon, _came, _inVain) = (0, 0, 0);
        }
    }
}
