namespace Orleans.Runtime.Clustering;

/// <summary>
/// Notices that the process stood still (SIGSTOP, a frozen machine), or that it was too slow to answer anybody: by then the
/// others may have declared it dead, and it must not say a word before it knows. The thread pool, which answers probes as well, notes the
/// time again and again; whoever finds the note too old, or the guard's own thread when it goes on, closes the gate until the owner has made sure.
/// </summary>
internal sealed class StandstillGuard : IThreadPoolWorkItem, IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly long _limit;
    private readonly Func<TimeSpan, Task> _makeSure;
    private readonly Action<IThreadPoolWorkItem> _queue;
    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _stopped = new();
    private long _noted = Environment.TickCount64;
    private int _isNoting;
    private volatile TaskCompletionSource? _closed;

    /// <param name="limit">Nobody is declared dead sooner than this after its last sign of life.</param>
    /// <param name="makeSure">Called when the process stood still for that long; the gate opens when it ends.</param>
    /// <param name="queue">Gives work to those who answer the others: the thread pool, behind all that waits already.</param>
    public StandstillGuard(TimeSpan limit, Func<TimeSpan, Task> makeSure, Action<IThreadPoolWorkItem>? queue = null)
    {
        _queue = queue ?? (static item => ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false));
        _limit = (long)limit.TotalMilliseconds;
        _makeSure = makeSure;
        new Thread(Run) { IsBackground = true, Name = "Standstill guard", Priority = ThreadPriority.AboveNormal }.Start();
    }

    /// <summary>True from a standstill until the owner has made sure.</summary>
    public bool IsClosed => _closed is not null;

    /// <summary>Ends at once in a process that did not stand still.</summary>
    public ValueTask PassAsync()
    {
        if (_closed is null && Environment.TickCount64 - Volatile.Read(ref _noted) < _limit)
        {
            return ValueTask.CompletedTask;
        }

        Look();
        return _closed is { } closed ? new ValueTask(closed.Task) : ValueTask.CompletedTask;
    }

    /// <summary>The pool has come to it.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        Look();
        Volatile.Write(ref _isNoting, 0);
    }

    public void Dispose() => _stopped.Set();

    private void Run()
    {
        while (!_stopped.Wait(Tick))
        {
            if (Interlocked.Exchange(ref _isNoting, 1) == 0)
            {
                _queue(this);
            }
            else if (Environment.TickCount64 - Volatile.Read(ref _noted) >= _limit)
            {
                Look();
            }
        }

        _stopped.Dispose();
    }

    /// <summary>Notes the time, and closes the gate when the last note is too old.</summary>
    private void Look()
    {
        lock (_lock)
        {
            var now = Environment.TickCount64;
            var gap = now - _noted;
            Volatile.Write(ref _noted, now);
            if (gap < _limit || _closed is not null || _stopped.IsSet)
            {
                return;
            }

            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _closed = closed;
            _ = Task.Run(async () =>
            {
                try
                {
                    await _makeSure(TimeSpan.FromMilliseconds(gap));
                }
                finally
                {
                    _closed = null;
                    closed.SetResult();
                }
            });
        }
    }
}
