using System.Collections.Concurrent;
using Orleans.Runtime.Networking;

namespace Orleans.Runtime;

/// <summary>Objects of this process that are called by reference. Each gets its calls one at a time, in the order sent.</summary>
internal sealed class LocalObservers(string owner)
{
    /// <summary>The grain type of observers.</summary>
    public static readonly GrainType Type = new("sys.client.observer");

    private readonly ConcurrentDictionary<GrainId, LocalObserver> _observers = new();

    public int Count => _observers.Count;

    /// <summary>Registers an object, weakly held, and answers its id.</summary>
    public GrainId Add(IGrainObserver target)
    {
        var id = GrainId.Create(Type, owner.Length == 0 ? Guid.NewGuid().ToString("N") : $"{owner}+{Guid.NewGuid():N}");
        _observers[id] = new LocalObserver(target);
        return id;
    }

    /// <summary>Registers an object under a name that others know. The caller keeps it alive.</summary>
    public void AddNamed(string name, IGrainObserver target) => _observers[Named(owner, name)] = new LocalObserver(target);

    /// <summary>The id of an object that a process has registered under a name.</summary>
    public static GrainId Named(string owner, string name) => GrainId.Create(Type, $"{owner}+{name}");

    /// <summary>The process whose object it is: a silo's address or a client's id; empty in a process that is alone.</summary>
    public static ReadOnlySpan<char> OwnerOf(GrainId id)
    {
        var key = id.Key.Value.AsSpan();
        var plus = key.LastIndexOf('+');
        return plus < 0 ? [] : key[..plus];
    }

    public void Remove(GrainId id) => _observers.TryRemove(id, out _);

    /// <summary>Gives a call to its object.</summary>
    public void Deliver(GrainCall call)
    {
        if (!_observers.TryGetValue(call.Target, out var observer) || !observer.TryDeliver(call))
        {
            Remove(call.Target);
            call.Fail(new ClientNotAvailableException($"The object of {call.Target} is gone, or its reference was deleted."));
        }
    }

    /// <summary>One object and its queue.</summary>
    private sealed class LocalObserver(IGrainObserver target) : IThreadPoolWorkItem
    {
        private readonly WeakReference<IGrainObserver> _target = new(target);
        private readonly Queue<GrainCall> _calls = new();
        private bool _isRunning;

        public bool TryDeliver(GrainCall call)
        {
            if (!_target.TryGetTarget(out var target))
            {
                return false;
            }

            if (call.AlwaysInterleave)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static work => _ = work.call.RunOnAsync(work.target), (call, target), preferLocal: true);
                return true;
            }

            lock (_calls)
            {
                _calls.Enqueue(call);
                if (_isRunning)
                {
                    return true;
                }

                _isRunning = true;
            }

            HeldWork.Queue(this);
            return true;
        }

        public void Execute() => _ = RunAsync();

        private async Task RunAsync()
        {
            while (true)
            {
                GrainCall? call;
                lock (_calls)
                {
                    if (!_calls.TryDequeue(out call))
                    {
                        _isRunning = false;
                        return;
                    }
                }

                if (_target.TryGetTarget(out var target))
                {
                    await call.RunOnAsync(target);
                }
                else
                {
                    call.Fail(new ClientNotAvailableException($"The object of {call.Target} is gone."));
                }
            }
        }
    }
}
