namespace Orleans.Runtime;

/// <summary>
/// Calls that are waited for. One timer looks for those whose time is over, instead of a timer for each call; it runs
/// only while somebody waits, so that an idle silo sleeps. The calls are links of lists, one list a processor: noting one
/// allocates nothing and seldom meets another thread.
/// </summary>
internal sealed class PendingCalls(TimeProvider time) : IDisposable
{
    /// <summary>How late a time-out may be noticed at most.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);

    private readonly bool _isSystemTime = time == TimeProvider.System;
    private readonly Stripe[] _stripes = MakeStripes();
    private ITimer? _timer;
    private int _isArmed;

    public int Count => _stripes.Sum(s => s.Count);

    /// <summary>The clock that <see cref="GrainCall.ExpiresAt"/> is of: milliseconds that only grow. Coarse, because it is read with each call.</summary>
    public long Now => _isSystemTime ? Environment.TickCount64 : (long)(time.GetTimestamp() * (1_000.0 / time.TimestampFrequency));

    public void Start() => _timer = time.CreateTimer(
        static self => ((PendingCalls)self!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Add(GrainCall call, TimeSpan timeout)
    {
        if (timeout != Timeout.InfiniteTimeSpan)
        {
            call.ExpiresAt = Now + (long)Math.Ceiling(timeout.TotalMilliseconds);
            var stripe = _stripes[Thread.GetCurrentProcessorId() & (_stripes.Length - 1)];
            call.Pending = stripe;
            stripe.Add(call);
            if (Volatile.Read(ref _isArmed) == 0)
            {
                Arm();
            }
        }
    }

    public static void Remove(GrainCall call) => call.Pending?.Remove(call);

    /// <summary>Fails everything that is waited for.</summary>
    public void FailAll(Func<GrainCall, Exception> reason)
    {
        foreach (var call in Find(static (_, _) => true, 0))
        {
            call.Fail(reason(call));
        }
    }

    public void Dispose() => _timer?.Dispose();

    private static Stripe[] MakeStripes()
    {
        var stripes = new Stripe[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Environment.ProcessorCount, 1, 64))];
        for (var i = 0; i < stripes.Length; i++)
        {
            stripes[i] = new Stripe();
        }

        return stripes;
    }

    private void Arm()
    {
        if (Interlocked.Exchange(ref _isArmed, 1) == 0)
        {
            _timer?.Change(Period, Timeout.InfiniteTimeSpan);
        }
    }

    private void Sweep()
    {
        foreach (var call in Find(static (call, now) => call.ExpiresAt <= now, Now))
        {
            SiloMetrics.TimedOut.Add(1);
            call.TimeOut();
        }

        // Disarmed before the look: a call that is added in between arms it itself.
        Interlocked.Exchange(ref _isArmed, 0);
        if (Array.Exists(_stripes, static s => s.Count > 0))
        {
            Arm();
        }
    }

    private List<GrainCall> Find(Func<GrainCall, long, bool> predicate, long now)
    {
        var found = new List<GrainCall>();
        foreach (var stripe in _stripes)
        {
            stripe.Find(predicate, now, found);
        }

        return found;
    }

    /// <summary>Some of the calls, the newest first.</summary>
    internal sealed class Stripe
    {
        private readonly Lock _lock = new();
        private GrainCall? _first;
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Add(GrainCall call)
        {
            lock (_lock)
            {
                call.NextPending = _first;
                if (_first is not null)
                {
                    _first.PreviousPending = call;
                }

                _first = call;
                _count++;
            }
        }

        public void Remove(GrainCall call)
        {
            lock (_lock)
            {
                if (call.Pending is null)
                {
                    return;
                }

                call.Pending = null;
                if (call.PreviousPending is { } previous)
                {
                    previous.NextPending = call.NextPending;
                }
                else
                {
                    _first = call.NextPending;
                }

                if (call.NextPending is { } next)
                {
                    next.PreviousPending = call.PreviousPending;
                }

                (call.NextPending, call.PreviousPending) = (null, null);
                _count--;
            }
        }

        public void Find(Func<GrainCall, long, bool> predicate, long now, List<GrainCall> found)
        {
            lock (_lock)
            {
                for (var call = _first; call is not null; call = call.NextPending)
                {
                    if (predicate(call, now))
                    {
                        found.Add(call);
                    }
                }
            }
        }
    }
}
