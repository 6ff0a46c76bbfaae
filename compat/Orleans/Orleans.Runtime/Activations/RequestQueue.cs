namespace Orleans.Runtime;

/// <summary>
/// The requests of one activation, those that wait and those that run, and which may run beside which. Not safe for several
/// threads: its activation's lock guards it.
/// </summary>
internal struct RequestQueue(GrainClassInfo info)
{
    private ActivationRequest.List _waiting;
    private ActivationRequest.List _running;

    // Most activations never have one.
    private List<Guid>? _openChains;

    /// <summary>What the grain's class says of its requests.</summary>
    public readonly GrainClassInfo Info => info;

    /// <summary>Requests that wait or run.</summary>
    public readonly int Count => _waiting.Count + _running.Count;

    /// <summary>Requests that the grain has not done with.</summary>
    public readonly int Load
    {
        get
        {
            var load = Count;
            for (var request = _running.First; request is not null; request = ActivationRequest.List.Next(request))
            {
                load -= request.IsOver ? 1 : 0;
            }

            return load;
        }
    }

    /// <summary>Whether one runs.</summary>
    public readonly bool IsRunning => _running.Count > 0;

    /// <summary>A request has come.</summary>
    public void Add(ActivationRequest request) => _waiting.Add(request);

    /// <summary>A request that ran is over.</summary>
    public void Finish(ActivationRequest request) => _running.Remove(request);

    /// <summary>Takes what waits out.</summary>
    public ActivationRequest[] TakeWaiting() => _waiting.TakeAll();

    /// <summary>A running request lets calls of its own chain in.</summary>
    public void Open(Guid chain) => (_openChains ??= []).Add(chain);

    /// <summary>Ends that.</summary>
    public readonly void Close(Guid chain) => _openChains?.Remove(chain);

    /// <summary>
    /// The next request that may run beside those that run, which runs from now on; null when there is none. Once the activation is
    /// to end, only calls that a running request waits for are let in.
    /// </summary>
    public ActivationRequest? TakeNext(bool isEnding)
    {
        for (var request = _waiting.First; request is not null; request = ActivationRequest.List.Next(request))
        {
            if (isEnding ? IsOpenTo(request) : MayStart(request))
            {
                _waiting.Remove(request);
                _running.Add(request);
                return request;
            }
        }

        return null;
    }

    private readonly bool MayStart(ActivationRequest request)
    {
        if (_running.Count == 0 || info.IsReentrant || request.AlwaysInterleave || IsOpenTo(request))
        {
            return true;
        }

        if (info.MayInterleave is { } mayInterleave && request.Call is { } call && mayInterleave(call))
        {
            return true;
        }

        for (var running = _running.First; running is not null; running = ActivationRequest.List.Next(running))
        {
            var compatible = running.AlwaysInterleave || (running.IsReadOnly && request.IsReadOnly);
            if (!compatible)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the request belongs to a chain that a running request has let back in.</summary>
    private readonly bool IsOpenTo(ActivationRequest request) =>
        _openChains is { Count: > 0 } open && request.ReentrancyId != Guid.Empty && open.Contains(request.ReentrancyId);
}
