namespace Orleans.Runtime.Networking;

/// <summary>
/// Where work goes that a message has caused. The thread that reads a connection holds the first piece back and does it
/// itself, after it has asked for the next bytes: the most common message is one alone, and needs no other thread. All else
/// goes to the thread pool, so that nothing waits behind a turn that takes long. A thread that reads one connection only does
/// all of it, see <see cref="Burst"/>.
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
        if (Burst.Current is { } burst && burst.TryAdd(work))
        {
            return;
        }

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
}
