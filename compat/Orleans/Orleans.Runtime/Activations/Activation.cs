using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Runtime;

/// <summary>
/// One grain object in memory with its queue of requests. Requests run as turns of <see cref="Scheduler"/>; the queue
/// and the state are guarded by a lock, because requests come from any thread.
/// </summary>
internal sealed class Activation : IGrainContext, IReentrantSections
{
    private readonly Lock _lock = new();
    private readonly LinkedList<ActivationRequest> _waiting = [];
    private readonly List<ActivationRequest> _running = [];
    private readonly StagedLifecycle _lifecycle = new();
    private readonly TaskCompletionSource _deactivated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SiloRuntime _silo;
    private readonly AsyncServiceScope _scope;
    private readonly HashSet<IDisposable> _timers = [];
    private List<Guid>? _openChains;
    private State _state = State.Activating;
    private DeactivationReason? _deactivationReason;
    private long _lastUsed;
    private long _keepUntil;

    public Activation(SiloRuntime silo, GrainId grainId, GrainClassInfo info)
    {
        _silo = silo;
        GrainId = grainId;
        Info = info;
        Scheduler = new ActivationScheduler(this);
        _scope = silo.Services.CreateAsyncScope();
        _lastUsed = silo.Time.GetTimestamp();
        GrainReference = new UntypedReference(silo.Caller, grainId);
    }

    private enum State
    {
        Activating,
        Valid,
        Deactivating,
        Ended,
    }

    /// <inheritdoc/>
    public GrainId GrainId { get; }

    /// <inheritdoc/>
    public GrainReference GrainReference { get; }

    /// <inheritdoc/>
    public object? GrainInstance { get; private set; }

    /// <inheritdoc/>
    public IServiceProvider ActivationServices => _scope.ServiceProvider;

    /// <inheritdoc/>
    public IGrainLifecycle ObservableLifecycle => _lifecycle;

    /// <inheritdoc/>
    public Task Deactivated => _deactivated.Task;

    public GrainClassInfo Info { get; }

    /// <summary>Whether others may still write this grain's states; null on a silo that is alone.</summary>
    public Clustering.Takeovers? Takeovers => _silo.Cluster?.Takeovers;

    public ActivationScheduler Scheduler { get; }

    /// <summary>Requests that wait or run.</summary>
    public int Load
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count + _running.Count;
            }
        }
    }

    /// <summary>A state that was taken over could not be compared with the store.</summary>
    public void NoteNotCompared(Exception exception) => _silo.Log.NotCompared(exception, GrainId);

    /// <summary>Makes the object and runs its start. Called once, right after construction.</summary>
    public void Start() => Scheduler.Queue(static self => _ = ((Activation)self!).ActivateAsync(), this);

    /// <summary>Queues a request. False when the activation is ending and takes none.</summary>
    public bool TryEnqueue(ActivationRequest request)
    {
        lock (_lock)
        {
            if (_state == State.Ended)
            {
                return false;
            }

            _waiting.AddLast(request);
            if (_state != State.Valid)
            {
                // It runs after the start, or goes to the next activation after the end.
                return true;
            }
        }

        Scheduler.Queue(static self => ((Activation)self!).StartRequests(), this);
        return true;
    }

    /// <inheritdoc/>
    public void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (_deactivationReason is not null || _state is State.Deactivating or State.Ended)
            {
                return;
            }

            _deactivationReason = deactivationReason;
        }

        Scheduler.Queue(static self => ((Activation)self!).EndWhenIdle(), this);
    }

    /// <summary>Ends the activation if it was idle for at least that long; answers whether it does.</summary>
    public bool TryCollect(TimeSpan age)
    {
        lock (_lock)
        {
            var now = _silo.Time.GetTimestamp();
            if (_state != State.Valid || _deactivationReason is not null || _waiting.Count + _running.Count > 0
                || now < _keepUntil || _silo.Time.GetElapsedTime(_lastUsed, now) < age)
            {
                return false;
            }

            _deactivationReason = new DeactivationReason(DeactivationReasonCode.ActivationIdle, "The activation was idle.");
        }

        Scheduler.Queue(static self => ((Activation)self!).EndWhenIdle(), this);
        return true;
    }

    /// <summary>
    /// The same as a turn: a request whose caller has its answer already is over by then. Ends when the activation has
    /// ended, or at once when it was not idle.
    /// </summary>
    public async Task CollectAsync(TimeSpan age)
    {
        var collected = await Task.Factory.StartNew(
            () => TryCollect(age), CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler);
        if (collected)
        {
            await Deactivated;
        }
    }

    /// <summary>Keeps idle collection away for at least that long.</summary>
    public void Delay(TimeSpan time)
    {
        lock (_lock)
        {
            _keepUntil = time == Timeout.InfiniteTimeSpan
                ? long.MaxValue
                : _silo.Time.GetTimestamp() + (long)(time.TotalSeconds * _silo.Time.TimestampFrequency);
        }
    }

    /// <summary>Notes a timer, which ends with the activation.</summary>
    public void AddTimer(IDisposable timer)
    {
        lock (_lock)
        {
            _timers.Add(timer);
        }
    }

    /// <summary>Forgets a timer that has been disposed.</summary>
    public void RemoveTimer(IDisposable timer)
    {
        lock (_lock)
        {
            _timers.Remove(timer);
        }
    }

    /// <inheritdoc/>
    public void Enter(Guid chain)
    {
        lock (_lock)
        {
            (_openChains ??= []).Add(chain);
        }

        // Calls of a chain that the caller opened may wait here already.
        Scheduler.Queue(static self => ((Activation)self!).StartRequests(), this);
    }

    /// <inheritdoc/>
    public void Leave(Guid chain)
    {
        lock (_lock)
        {
            _openChains?.Remove(chain);
        }
    }

    private async Task ActivateAsync()
    {
        try
        {
            using var timeout = new CancellationTokenSource(_silo.Collection.ActivationTimeout, _silo.Time);
            GrainInstance = _silo.Activator.Create(this);
            if (GrainInstance is ILifecycleParticipant<IGrainLifecycle> participant)
            {
                participant.Participate(_lifecycle);
            }

            if (GrainInstance is IGrainBase grain)
            {
                _lifecycle.Subscribe("Grain", GrainLifecycleStage.Activate, grain.OnActivateAsync);
            }

            await _lifecycle.StartAsync(timeout.Token).WaitAsync(timeout.Token);
        }
        catch (Exception e)
        {
            _silo.Log.ActivationFailed(e, GrainId);
            await EndAsync(new DeactivationReason(DeactivationReasonCode.ActivationFailed, e, "The activation could not start."));
            return;
        }

        SiloMetrics.ActivationsCreated.Add(1);
        lock (_lock)
        {
            _state = State.Valid;
        }

        StartRequests();
        EndWhenIdle();
    }

    /// <summary>A turn: starts every waiting request that may run beside those that run.</summary>
    private void StartRequests()
    {
        while (TakeNext() is { } request)
        {
            _ = RunAsync(request);
        }
    }

    private ActivationRequest? TakeNext()
    {
        lock (_lock)
        {
            if (_state != State.Valid || (_deactivationReason is not null && _running.Count == 0))
            {
                return null;
            }

            for (var node = _waiting.First; node is not null; node = node.Next)
            {
                // Once it is to end, only calls that a running request waits for are let in.
                if (_deactivationReason is null ? MayStart(node.Value) : IsOpenTo(node.Value))
                {
                    _waiting.Remove(node);
                    _running.Add(node.Value);
                    return node.Value;
                }
            }

            return null;
        }
    }

    private bool MayStart(ActivationRequest request)
    {
        if (_running.Count == 0 || Info.IsReentrant || request.AlwaysInterleave || IsOpenTo(request))
        {
            return true;
        }

        if (Info.MayInterleave is { } mayInterleave && request.Call is { } call && mayInterleave(call))
        {
            return true;
        }

        foreach (var running in _running)
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
    private bool IsOpenTo(ActivationRequest request) =>
        _openChains is { Count: > 0 } open && request.ReentrancyId != Guid.Empty && open.Contains(request.ReentrancyId);

    private async Task RunAsync(ActivationRequest request)
    {
        await request.RunAsync(this);
        lock (_lock)
        {
            _running.Remove(request);
            if (request.KeepsAlive)
            {
                _lastUsed = _silo.Time.GetTimestamp();
            }
        }

        StartRequests();
        EndWhenIdle();
    }

    /// <summary>A turn: ends the activation if that was asked for and nothing runs.</summary>
    private void EndWhenIdle()
    {
        DeactivationReason reason;
        lock (_lock)
        {
            if (_state != State.Valid || _deactivationReason is not { } asked || _running.Count > 0)
            {
                return;
            }

            _state = State.Deactivating;
            reason = asked;
        }

        _ = EndAsync(reason);
    }

    private async Task EndAsync(DeactivationReason reason)
    {
        IDisposable[] timers;
        lock (_lock)
        {
            timers = [.. _timers];
            _timers.Clear();
        }

        foreach (var timer in timers)
        {
            timer.Dispose();
        }

        try
        {
            using var timeout = new CancellationTokenSource(_silo.Collection.DeactivationTimeout, _silo.Time);
            if (reason.ReasonCode != DeactivationReasonCode.ActivationFailed && GrainInstance is IGrainBase grain)
            {
                await grain.OnDeactivateAsync(reason, timeout.Token).WaitAsync(timeout.Token);
            }

            await _lifecycle.StopAsync(e => _silo.Log.DeactivationFailed(e, GrainId), timeout.Token).WaitAsync(timeout.Token);
        }
        catch (Exception e)
        {
            _silo.Log.DeactivationFailed(e, GrainId);
        }

        await DisposeInstanceAsync();
        _silo.Catalog.Remove(this);
        ActivationRequest[] left;
        lock (_lock)
        {
            _state = State.Ended;
            left = [.. _waiting];
            _waiting.Clear();
        }

        foreach (var request in left)
        {
            if (reason.ReasonCode == DeactivationReasonCode.ActivationFailed)
            {
                request.Fail(reason.Exception!);
            }
            else
            {
                request.Reroute();
            }
        }

        SiloMetrics.ActivationsEnded.Add(1);
        _deactivated.TrySetResult();
    }

    private async Task DisposeInstanceAsync()
    {
        try
        {
            switch (GrainInstance)
            {
                case IAsyncDisposable disposable:
                    await disposable.DisposeAsync();
                    break;
                case IDisposable disposable:
                    disposable.Dispose();
                    break;
            }

            await _scope.DisposeAsync();
        }
        catch (Exception e)
        {
            _silo.Log.DeactivationFailed(e, GrainId);
        }
    }

    /// <summary>A reference to the grain itself, before it is asked for as an interface.</summary>
    private sealed class UntypedReference(IGrainCaller caller, GrainId id) : GrainReference(caller, id)
    {
        public override Type GrainInterface => typeof(IAddressable);
    }
}
