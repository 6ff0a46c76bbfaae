namespace Orleans.TestingHost;

/// <summary>
/// A clock that moves only when it is told to, for all silos and clients of one or more test clusters: set
/// <see cref="TestClusterOptions.TimeProvider"/>. A test moves it itself, or lets it run as fast as the process keeps up.
/// </summary>
public sealed class TestClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly SortedSet<ClockTimer> _due = new(Comparer<ClockTimer>.Create(static (a, b) => (a.DueAt, a.Number).CompareTo((b.DueAt, b.Number))));
    private long _now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).Ticks;
    private long _timers;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => new(GetTimestamp(), TimeSpan.Zero);

    /// <inheritdoc/>
    public override long GetTimestamp() => Volatile.Read(ref _now);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ClockTimer(this, Interlocked.Increment(ref _timers), callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves on, stopping at each timer that is due on the way. Callbacks run on the thread pool, as those of the system's clock do.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        lock (_lock)
        {
            var end = _now + by.Ticks;
            while (_due.Min is { } next && next.DueAt <= end)
            {
                Volatile.Write(ref _now, Math.Max(_now, next.DueAt));
                next.Fire();
            }

            Volatile.Write(ref _now, end);
        }
    }

    /// <summary>
    /// Lets the clock run: a step each time when this process has nothing left to do. So a busy machine slows it down, and
    /// what is done in time on a fast machine is done in time on a slow one. Dispose the answer to stop it.
    /// </summary>
    /// <param name="step">How far at a time: no more than the shortest time-out that matters.</param>
    public IDisposable RunFreely(TimeSpan step) => new Run(this, step);

    private sealed class ClockTimer(TestClock clock, long number, TimerCallback callback, object? state) : ITimer
    {
        private long _period;
        private bool _isSet;
        private bool _isDisposed;

        public long DueAt { get; private set; }

        public long Number => number;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                Unset();
                if (_isDisposed)
                {
                    return false;
                }

                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    _period = period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks;
                    Set(clock._now + dueTime.Ticks);
                }

                return true;
            }
        }

        /// <summary>Called under the lock.</summary>
        public void Fire()
        {
            Unset();
            if (_period > 0)
            {
                Set(DueAt + _period);
            }

            ThreadPool.UnsafeQueueUserWorkItem(static timer => timer.Call(), this, preferLocal: false);
        }

        public void Dispose()
        {
            lock (clock._lock)
            {
                Unset();
                _isDisposed = true;
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Call() => callback(state);

        private void Set(long at)
        {
            DueAt = at;
            _isSet = clock._due.Add(this);
        }

        private void Unset()
        {
            if (_isSet)
            {
                clock._due.Remove(this);
                _isSet = false;
            }
        }
    }

    /// <summary>A thread that moves the clock while the thread pool is idle.</summary>
    private sealed class Run : IDisposable
    {
        /// <summary>Looks at an idle process in a row before a step: bytes on a loopback connection wake no thread for a moment.</summary>
        private const int Looks = 6;

        /// <summary>How long the process is looked at, before anything is started, to find what is always at work in it.</summary>
        private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(100);

        /// <summary>Work that goes on for longer without a pause, a thread that was blocked for good meanwhile for instance, does not stop the clock.</summary>
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

        private readonly TestClock _clock;
        private readonly TimeSpan _step;
        private readonly Thread _thread;
        private volatile bool _isStopped;

        public Run(TestClock clock, TimeSpan step)
        {
            (_clock, _step) = (clock, step);
            _thread = new Thread(Loop) { IsBackground = true, Name = "Test clock" };
            _thread.Start();
        }

        public void Dispose()
        {
            _isStopped = true;
            _thread.Join();
        }

        /// <summary>Threads of the pool that are at work, or that somebody blocks for good.</summary>
        private static int Busy()
        {
            if (ThreadPool.PendingWorkItemCount > 0)
            {
                return int.MaxValue;
            }

            ThreadPool.GetMaxThreads(out var most, out _);
            ThreadPool.GetAvailableThreads(out var available, out _);
            return most - available;
        }

        private void Loop()
        {
            // Test runners block threads of the pool for good.
            var (start, blocked) = (System.GetTimestamp(), int.MaxValue);
            while (System.GetElapsedTime(start) < FirstLook)
            {
                blocked = Math.Min(blocked, Busy());
                Thread.Sleep(1);
            }

            while (!_isStopped)
            {
                var since = System.GetTimestamp();
                for (var looks = 0; looks < Looks && System.GetElapsedTime(since) < Patience;)
                {
                    var busy = Busy();
                    blocked = Math.Min(blocked, busy);
                    looks = busy <= blocked ? looks + 1 : 0;
                    Thread.SpinWait(300);
                    Thread.Yield();
                }

                _clock.Advance(_step);
            }
        }
    }
}
