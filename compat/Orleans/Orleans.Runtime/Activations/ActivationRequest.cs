namespace Orleans.Runtime;

/// <summary>Something that runs as turns of an activation: a call, or a timer's callback.</summary>
internal abstract class ActivationRequest
{
    private ActivationRequest? _next;
    private ActivationRequest? _previous;

    /// <summary>May run beside anything.</summary>
    public abstract bool AlwaysInterleave { get; }

    /// <summary>May run beside requests that are read-only too.</summary>
    public virtual bool IsReadOnly => false;

    /// <summary>The call chain that it belongs to, if that may come back; else empty.</summary>
    public virtual Guid ReentrancyId => Guid.Empty;

    /// <summary>The call, or null when it is none.</summary>
    public virtual GrainRequest? Call => null;

    /// <summary>Whether it counts as use of the activation.</summary>
    public virtual bool KeepsAlive => true;

    /// <summary>Whether the grain has done with it, though its turn may not have ended: whoever waited for the answer may be calling again.</summary>
    public bool IsOver { get; protected set; }

    /// <summary>Runs it. Called on the activation's scheduler; never throws.</summary>
    public abstract Task RunAsync(Activation activation);

    /// <summary>The activation has ended before it ran.</summary>
    public abstract void Reroute();

    /// <summary>The activation could not be made.</summary>
    public abstract void Fail(Exception exception);

    /// <summary>Requests in the order they came, each in one list at a time: the links are the requests' own.</summary>
    public struct List
    {
        private ActivationRequest? _last;

        public ActivationRequest? First { get; private set; }

        public int Count { get; private set; }

        public static ActivationRequest? Next(ActivationRequest request) => request._next;

        public void Add(ActivationRequest request)
        {
            request._previous = _last;
            request._next = null;
            if (_last is null)
            {
                First = request;
            }
            else
            {
                _last._next = request;
            }

            _last = request;
            Count++;
        }

        public void Remove(ActivationRequest request)
        {
            if (request._previous is { } previous)
            {
                previous._next = request._next;
            }
            else
            {
                First = request._next;
            }

            if (request._next is { } next)
            {
                next._previous = request._previous;
            }
            else
            {
                _last = request._previous;
            }

            (request._next, request._previous) = (null, null);
            Count--;
        }

        public ActivationRequest[] TakeAll()
        {
            var all = new ActivationRequest[Count];
            for (var i = 0; i < all.Length; i++)
            {
                all[i] = First!;
                Remove(First!);
            }

            return all;
        }
    }
}
