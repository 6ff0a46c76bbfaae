using System.Diagnostics;

namespace Orleans.Runtime.Networking;

/// <summary>
/// What messages that were read together have caused: done one after the other by the thread that read them, and what it says over
/// connections meanwhile is written together. On few processors each thread more is one that another must make way for; so other
/// threads get only what is left when the time is up, and all of it when one piece of work takes long.
/// </summary>
internal sealed class Burst : IThreadPoolWorkItem
{
    /// <summary>Time after which the rest is left to the thread pool.</summary>
    public static readonly TimeSpan Budget = TimeSpan.FromMicroseconds(500);

    /// <summary>Pieces of work after which what was said is written: the other side begins with it meanwhile.</summary>
    private const int FlushEvery = 8;

    /// <summary>Pieces that may wait: what one causes goes to the thread pool when there are more.</summary>
    private const int MaxWaiting = 1024;

    [ThreadStatic]
    private static Burst? _current;

    private readonly Lock _lock = new();
    private readonly Queue<IThreadPoolWorkItem> _works = new();
    private readonly List<FrameOutput> _unwritten = [];
    private bool _isAbandoned;

    /// <summary>That of this thread, while it takes frames or does the work.</summary>
    public static Burst? Current => _current;

    /// <summary>Whether there is nothing to do or to write. Asked by the thread whose it is.</summary>
    public bool IsEmpty => _works.Count == 0 && _unwritten.Count == 0;

    /// <summary>From now on this thread's work goes here.</summary>
    public void Begin() => _current = this;

    /// <summary>Ends that.</summary>
    public static void End() => _current = null;

    /// <summary>Has the work done by this thread, soon. False when others must do it.</summary>
    public bool TryAdd(IThreadPoolWorkItem work)
    {
        lock (_lock)
        {
            if (_isAbandoned || _works.Count >= MaxWaiting)
            {
                return false;
            }

            _works.Enqueue(work);
            return true;
        }
    }

    /// <summary>Has what waits there written soon. False when others must do it.</summary>
    public bool TryDefer(FrameOutput output)
    {
        lock (_lock)
        {
            if (_isAbandoned)
            {
                return false;
            }

            if (!_unwritten.Contains(output))
            {
                _unwritten.Add(output);
            }

            return true;
        }
    }

    /// <summary>Does the work, until the time is up.</summary>
    public void Execute()
    {
        var since = Stopwatch.GetTimestamp();
        _current = this;
        try
        {
            for (var done = 1; TryNext(out var work); done++)
            {
                work.Execute();
                if (Stopwatch.GetElapsedTime(since) > Budget)
                {
                    break;
                }

                if (done % FlushEvery == 0)
                {
                    Write();
                }
            }
        }
        finally
        {
            _current = null;
            Leave();
        }
    }

    /// <summary>Leaves to others what was not done: the thread whose it is does something that takes long.</summary>
    public void Abandon()
    {
        lock (_lock)
        {
            _isAbandoned = true;
        }

        Leave();
    }

    /// <summary>What there is to do goes to the thread pool, what there is to say to the other side.</summary>
    public void Leave()
    {
        Write();
        while (TryNext(out var work))
        {
            ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
        }
    }

    private bool TryNext([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IThreadPoolWorkItem? work)
    {
        lock (_lock)
        {
            return _works.TryDequeue(out work);
        }
    }

    private void Write()
    {
        while (true)
        {
            FrameOutput output;
            lock (_lock)
            {
                if (_unwritten.Count == 0)
                {
                    return;
                }

                output = _unwritten[^1];
                _unwritten.RemoveAt(_unwritten.Count - 1);
            }

            output.Flush();
        }
    }
}
