namespace Orleans.TestingHost;

/// <summary>
/// A thread that moves a clock each time when the thread pool has nothing left to do. That is exact: whatever is under way
/// is queued, or done by a thread that the pool counts; and as long as no work item ends between two looks, none can have
/// slipped from one to the other.
/// </summary>
internal sealed class ClockRun : IDisposable
{
    /// <summary>How long the pool is looked at, before anything is started, to find the threads of it that somebody blocks for good, as test runners do.</summary>
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(100);

    /// <summary>When no work item ends for so long and none waits, those threads that are at work are taken to be blocked for good.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Looks in a row that cost no more than a moment of the processor, before this thread sleeps between them.</summary>
    private const int QuickLooks = 200;

    private readonly Func<bool> _step;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isStopped;
    private int _blocked = int.MaxValue;

    public ClockRun(Func<bool> step)
    {
        _step = step;
        _thread = new Thread(Loop) { IsBackground = true, Name = "Test clock" };
        _thread.Start();
    }

    /// <summary>Ends when the first look is over and work may begin.</summary>
    public Task Started => _started.Task;

    public void Dispose()
    {
        _isStopped = true;
        _thread.Join();
    }

    /// <summary>Threads of the pool that are at work, or blocked, or called to do what waits.</summary>
    private static int Busy()
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var available, out _);
        return most - available;
    }

    private void Loop()
    {
        for (var start = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(start) < FirstLook;)
        {
            _blocked = Math.Min(_blocked, Busy());
            Thread.Sleep(1);
        }

        _started.SetResult();
        while (!_isStopped)
        {
            if (WaitUntilIdle() && !_step())
            {
                // Nothing is due: only another thread than those of the pool can make a timer now.
                Thread.Sleep(1);
            }
        }
    }

    /// <summary>False when the run is to end.</summary>
    private bool WaitUntilIdle()
    {
        var (since, last) = (TimeProvider.System.GetTimestamp(), ThreadPool.CompletedWorkItemCount);
        for (var looks = 0; !_isStopped; looks++)
        {
            var completed = ThreadPool.CompletedWorkItemCount;
            var isAnyWaiting = ThreadPool.PendingWorkItemCount > 0;
            var busy = Busy();
            _blocked = Math.Min(_blocked, busy);
            if (!isAnyWaiting && busy <= _blocked && ThreadPool.PendingWorkItemCount == 0 && ThreadPool.CompletedWorkItemCount == completed)
            {
                return true;
            }

            if (isAnyWaiting || completed != last)
            {
                (since, last) = (TimeProvider.System.GetTimestamp(), completed);
            }
            else if (TimeProvider.System.GetElapsedTime(since) > Patience)
            {
                _blocked = busy;
            }

            Pause(looks);
        }

        return false;
    }

    private static void Pause(int looks)
    {
        if (looks < QuickLooks)
        {
            Thread.SpinWait(30);
        }
        else if (looks < QuickLooks * 2)
        {
            Thread.Yield();
        }
        else
        {
            Thread.Sleep(1);
        }
    }
}
