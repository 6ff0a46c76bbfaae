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
    private int _runs;

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

    /// <summary>True while <see cref="RunAsync"/> moves it.</summary>
    public bool IsRunning => Volatile.Read(ref _runs) > 0;

    /// <summary>
    /// Does the work on the thread pool while the clock runs: whenever this process has nothing left to do, the clock goes
    /// to the next timer that is due. So a busy machine slows it down and changes nothing. What the work waits for must be
    /// work of the thread pool or this clock: another thread, a socket, or another clock may be overtaken.
    /// </summary>
    /// <param name="work">What is done.</param>
    /// <param name="grain">Timers that are due within the same such span fire together.</param>
    public async Task RunAsync(Func<Task> work, TimeSpan grain)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(grain, TimeSpan.Zero);
        Interlocked.Increment(ref _runs);
        try
        {
            using var run = new ClockRun(() => Step(grain.Ticks));
            await run.Started.ConfigureAwait(false);
            await Task.Run(work).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _runs);
        }
    }

    /// <summary>Goes to the end of the span in which the next timer is due. False when there is none.</summary>
    private bool Step(long grain)
    {
        lock (_lock)
        {
            if (_due.Min is not { } next)
            {
                return false;
            }

            var until = Math.Max(next.DueAt, _now);
            Advance(TimeSpan.FromTicks(((until + grain - 1) / grain * grain) - _now));
            return true;
        }
    }

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
}
