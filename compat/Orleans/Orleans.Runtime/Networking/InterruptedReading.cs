namespace Orleans.Runtime.Networking;

/// <summary>Reading that one thread has interrupted to do some work, and that another can take over when the work takes long.</summary>
internal abstract class InterruptedReading
{
    private long _last;
    private long _current;
    private long _seen;
    private bool _isWatched;

    /// <summary>Whether the watch looks at it.</summary>
    public bool IsWatched => Volatile.Read(ref _isWatched);

    /// <summary>Does the work. False when another thread reads by now.</summary>
    protected bool TryWork(IThreadPoolWorkItem work)
    {
        var ticket = ++_last;

        // A full fence: either the watch sees the ticket, or this sees that it is not watched any more.
        Interlocked.Exchange(ref _current, ticket);
        if (!Volatile.Read(ref _isWatched))
        {
            Watch.Add(this);
        }

        work.Execute();
        return Interlocked.CompareExchange(ref _current, 0, ticket) == ticket;
    }

    /// <summary>Goes on to read, on a thread of its own.</summary>
    protected abstract void TakeOver();

    /// <summary>
    /// Looks at all of them now and then while there are any. One timer for all, which rests when nobody works: with a deadline
    /// of its own for each piece of work, the deadline would cost more than the work.
    /// </summary>
    private static class Watch
    {
        /// <summary>
        /// Work that is under way at one look and at the next takes long. Not shorter: a thread that has lost its processor to another
        /// process for a few milliseconds would look like it, and each look takes the processor from somebody.
        /// </summary>
        private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(25);

        private static readonly Lock Gate = new();
        private static readonly List<InterruptedReading> Watched = [];
        private static readonly Timer Timer = new(static _ => Look());

        public static void Add(InterruptedReading reading)
        {
            lock (Gate)
            {
                if (!reading._isWatched)
                {
                    reading._isWatched = true;
                    Watched.Add(reading);
                    Timer.Change(Period, Timeout.InfiniteTimeSpan);
                }
            }
        }

        private static void Look()
        {
            lock (Gate)
            {
                for (var i = Watched.Count - 1; i >= 0; i--)
                {
                    if (!StillWorks(Watched[i]))
                    {
                        Watched.RemoveAt(i);
                    }
                }

                if (Watched.Count > 0)
                {
                    Timer.Change(Period, Timeout.InfiniteTimeSpan);
                }
            }
        }

        private static bool StillWorks(InterruptedReading reading)
        {
            var current = Volatile.Read(ref reading._current);
            if (current != 0)
            {
                if (current == reading._seen && Interlocked.CompareExchange(ref reading._current, 0, current) == current)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(static r => r.TakeOver(), reading, preferLocal: false);
                }

                reading._seen = current;
                return true;
            }

            var last = Volatile.Read(ref reading._last);
            if (last != reading._seen)
            {
                reading._seen = last;
                return true;
            }

            reading._isWatched = false;
            if (Interlocked.Read(ref reading._current) == 0)
            {
                return false;
            }

            reading._isWatched = true;
            return true;
        }
    }
}
