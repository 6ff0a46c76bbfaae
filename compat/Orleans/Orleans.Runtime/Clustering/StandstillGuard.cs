namespace Orleans.Runtime.Clustering;

/// <summary>
/// Notices that the process stood still (SIGSTOP, a frozen machine): by then the others may have declared it dead, and it
/// must not say a word before it knows. A thread of its own notes the time; whoever finds the note too old, or the
/// thread itself when it goes on, closes the gate until the owner has made sure.
/// </summary>
internal sealed class StandstillGuard : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly long _limit;
    private readonly Func<TimeSpan, Task> _makeSure;
    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _stopped = new();
    private long _noted = Environment.TickCount64;
    private volatile TaskCompletionSource? _closed;

    /// <param name="limit">Nobody is declared dead sooner than this after its last sign of life.</param>
    /// <param name="makeSure">Called when the process stood still for that long; the gate opens when it ends.</param>
    public StandstillGuard(TimeSpan limit, Func<TimeSpan, Task> makeSure)
    {
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

        Note();
        return _closed is { } closed ? new ValueTask(closed.Task) : ValueTask.CompletedTask;
    }

    public void Dispose() => _stopped.Set();

    private void Run()
    {
        while (!_stopped.Wait(Tick))
        {
            Note();
        }

        _stopped.Dispose();
    }

    private void Note()
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
