using System.Runtime.CompilerServices;

namespace Orleans.Runtime.Networking;

/// <summary>
/// Where work goes that a message has caused. The thread that reads a connection holds the first piece back and does it
/// itself, after it has asked for the next bytes: the most common message is one alone, and needs no other thread. All else
/// goes to the thread pool, so that nothing waits behind a turn that takes long.
/// </summary>
internal static class HeldWork
{
    [ThreadStatic]
    private static bool _isHolding;

    [ThreadStatic]
    private static IThreadPoolWorkItem? _held;

    /// <summary>Has the work done, by this thread later or by another one soon.</summary>
    public static void Queue(IThreadPoolWorkItem work)
    {
        if (_isHolding && _held is null)
        {
            _held = work;
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: true);
        }
    }

    /// <summary>From now on the first piece of work of this thread is held back.</summary>
    public static void Begin() => _isHolding = true;

    /// <summary>Ends that, and answers the work that was held back.</summary>
    public static IThreadPoolWorkItem? End()
    {
        _isHolding = false;
        var held = _held;
        _held = null;
        return held;
    }

    /// <summary>Awaits a read that is under way, and does the work meanwhile. Whoever the read wakes does not wait for the work.</summary>
    public readonly struct Beside(ValueTask<int> reading, IThreadPoolWorkItem work) : ICriticalNotifyCompletion
    {
        private readonly ValueTaskAwaiter<int> _awaiter = reading.GetAwaiter();

        public bool IsCompleted => false;

        public Beside GetAwaiter() => this;

        public int GetResult() => _awaiter.GetResult();

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation)
        {
            _awaiter.UnsafeOnCompleted(continuation);
            work.Execute();
        }
    }
}
