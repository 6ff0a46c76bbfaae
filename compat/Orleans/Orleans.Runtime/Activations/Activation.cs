using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Runtime;

/// <summary>
/// One grain object in memory with its queue of requests. Requests run as turns of <see cref="Scheduler"/>; the queue
/// and the state are guarded by a lock, because requests come from any thread.
/// </summary>
internal sealed class Activation : IGrainContext, IGrainRuntimeSource, IReentrantSections
{
    private readonly Lock _lock = new();
    private readonly SiloRuntime _silo;
    private RequestQueue _requests;
    private bool _isStartQueued;

    // What most activations never need is made when it is asked for: there may be 100,000 of them.
    private StagedLifecycle? _lifecycle;
    private TaskCompletionSource? _deactivated;
    private AsyncServiceScope? _scope;
    private GrainReference? _reference;
    private HashSet<IDisposable>? _timers;
    private State _state = State.Activating;
    private DeactivationReason? _deactivationReason;
    private volatile bool _isAskedToEnd;
    private bool _isOver;
    private long _lastUsed;
    private long _keepUntil;

    public Activation(SiloRuntime silo, GrainId grainId, GrainClassInfo info)
    {
        _silo = silo;
        GrainId = grainId;
        _requests = new RequestQueue(info);
        Scheduler = new ActivationScheduler(this);
        _lastUsed = silo.Pending.Now;
    }

    /// <summary>Requests that one turn starts.</summary>
    private const int MaxStarts = 64;

    private static readonly Action<object?> StartTurn = static self => ((Activation)self!).StartRequests(null, isStartTurn: true);

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
    public GrainReference GrainReference => _reference ??= new UntypedReference(_silo.Caller, GrainId);

    /// <inheritdoc/>
    public object? GrainInstance { get; private set; }

    /// <inheritdoc/>
    public IServiceProvider ActivationServices => (_scope ??= _silo.Services.CreateAsyncScope()).ServiceProvider;

    /// <inheritdoc/>
    public IGrainLifecycle ObservableLifecycle => Lifecycle;

    /// <inheritdoc/>
    public Task Deactivated
    {
        get
        {
            lock (_lock)
            {
                if (_isOver)
                {
                    return Task.CompletedTask;
                }

                return (_deactivated ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }
    }

    public GrainClassInfo Info => _requests.Info;

    /// <summary>Whether others may still write this grain's states; null on a silo that is alone.</summary>
    public Clustering.Takeovers? Takeovers => _silo.Cluster?.Takeovers;

    public ActivationScheduler Scheduler { get; }

    /// <inheritdoc/>
    public IGrainRuntime Runtime => _silo.GrainRuntime;

    /// <summary>The view by which the grain was last found to belong to this silo.</summary>
    public Clustering.ClusterView? OwnedIn { get; set; }

    private StagedLifecycle Lifecycle => _lifecycle ??= new StagedLifecycle();

    /// <summary>Requests that the grain has not done with.</summary>
    public int Load
    {
        get
        {
            lock (_lock)
            {
                return _requests.Load;
            }
        }
    }

    /// <summary>A state that was taken over could not be compared with the store.</summary>
    public void NoteNotCompared(Exception exception) => _silo.Log.NotCompared(exception, GrainId);

    /// <summary>Makes the object and runs its start. Called once, right after construction.</summary>
    public void Start() => Scheduler.Queue(static self => _ = ((Activation)self!).ActivateAsync(), this);

    /// <summary>In place of <see cref="Start"/>: it never was.</summary>
    public void Abandon() => Leave(failure: null);

    /// <summary>Queues a request, or fails it when too many wait. False when the activation is ending and takes none.</summary>
    public bool TryEnqueue(ActivationRequest request)
    {
        bool isFull;
        lock (_lock)
        {
            if (_state == State.Ended)
            {
                return false;
            }

            isFull = _silo.MaxRequests > 0 && _requests.Count >= _silo.MaxRequests && request.Call is not null;
            if (!isFull)
            {
                _requests.Add(request);
                if (_state != State.Valid || _isStartQueued)
                {
                    // It runs after the start, or with those that are about to, or goes to the next activation after the end.
                    return true;
                }

                _isStartQueued = true;
            }
        }

        if (isFull)
        {
            request.Fail(new LimitExceededException($"{GrainId} has {_silo.MaxRequests} requests already (SiloMessagingOptions.MaxEnqueuedRequestsHardLimit)."));
        }
        else
        {
            Scheduler.Queue(StartTurn, this);
        }

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
            _isAskedToEnd = true;
        }

        Scheduler.Queue(static self => ((Activation)self!).EndWhenIdle(), this);
    }

    /// <summary>Ends the activation if it was idle for at least that long; answers whether it does.</summary>
    public bool TryCollect(TimeSpan age)
    {
        lock (_lock)
        {
            var now = _silo.Pending.Now;
            if (_state != State.Valid || _deactivationReason is not null || _requests.Count > 0
                || now < _keepUntil || now - _lastUsed < age.TotalMilliseconds)
            {
                return false;
            }

            _deactivationReason = new DeactivationReason(DeactivationReasonCode.ActivationIdle, "The activation was idle.");
            _isAskedToEnd = true;
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
                : _silo.Pending.Now + (long)time.TotalMilliseconds;
        }
    }

    /// <summary>Notes a timer, which ends with the activation.</summary>
    public void AddTimer(IDisposable timer)
    {
        lock (_lock)
        {
            (_timers ??= []).Add(timer);
        }
    }

    /// <summary>Forgets a timer that has been disposed.</summary>
    public void RemoveTimer(IDisposable timer)
    {
        lock (_lock)
        {
            _timers?.Remove(timer);
        }
    }

    /// <inheritdoc/>
    public void Enter(Guid chain)
    {
        lock (_lock)
        {
            _requests.Open(chain);
        }

        // Calls of a chain that the caller opened may wait here already.
        Scheduler.Queue(static self => ((Activation)self!).StartRequests(null), this);
    }

    /// <inheritdoc/>
    public void Leave(Guid chain)
    {
        lock (_lock)
        {
            _requests.Close(chain);
        }
    }

    private async Task ActivateAsync()
    {
        try
        {
            GrainInstance = _silo.Activator.Create(this);
            if (GrainInstance is ILifecycleParticipant<IGrainLifecycle> participant)
            {
                participant.Participate(Lifecycle);
            }

            if (Info.HasStart || _lifecycle is not null)
            {
                using var timeout = new CancellationTokenSource(_silo.Collection.ActivationTimeout, _silo.Time);
                if (GrainInstance is IGrainBase grain)
                {
                    Lifecycle.Subscribe("Grain", GrainLifecycleStage.Activate, grain.OnActivateAsync);
                }

                await Lifecycle.StartAsync(timeout.Token).WaitAsync(timeout.Token);
            }
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

        StartRequests(null);
    }

    /// <summary>A turn: starts every waiting request that may run beside those that run, but not so many that others starve.</summary>
    private void StartRequests(ActivationRequest? finished, bool isStartTurn = false)
    {
        for (var i = 0; TakeNext(finished, isStartTurn && i == 0, isLast: i == MaxStarts) is { } request; i++)
        {
            var running = request.RunAsync(this);
            finished = null;
            if (running.IsCompleted)
            {
                finished = request;
            }
            else
            {
                _ = FinishAsync(running, request);
            }
        }

        if (_isAskedToEnd)
        {
            EndWhenIdle();
        }
    }

    private async Task FinishAsync(Task running, ActivationRequest request)
    {
        await running;
        StartRequests(request);
    }

    /// <summary>Forgets a request that is over and answers the next to start, or null. After the last the others get a turn of their own.</summary>
    private ActivationRequest? TakeNext(ActivationRequest? finished, bool isStartTurn, bool isLast)
    {
        lock (_lock)
        {
            if (isStartTurn)
            {
                _isStartQueued = false;
            }

            if (finished is not null)
            {
                _requests.Finish(finished);
                if (finished.KeepsAlive)
                {
                    _lastUsed = _silo.Pending.Now;
                }
            }

            if (isLast)
            {
                if (!_isStartQueued)
                {
                    _isStartQueued = true;
                    Scheduler.Queue(StartTurn, this);
                }

                return null;
            }

            var isEnding = _deactivationReason is not null;
            return _state != State.Valid || (isEnding && !_requests.IsRunning) ? null : _requests.TakeNext(isEnding);
        }
    }

    /// <summary>A turn: ends the activation if that was asked for and nothing runs.</summary>
    private void EndWhenIdle()
    {
        DeactivationReason reason;
        lock (_lock)
        {
            if (_state != State.Valid || _deactivationReason is not { } asked || _requests.IsRunning)
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
            timers = [.. _timers ?? []];
            _timers = null;
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

            if (_lifecycle is not null)
            {
                await _lifecycle.StopAsync(e => _silo.Log.DeactivationFailed(e, GrainId), timeout.Token).WaitAsync(timeout.Token);
            }
        }
        catch (Exception e)
        {
            _silo.Log.DeactivationFailed(e, GrainId);
        }

        await DisposeInstanceAsync();
        Leave(reason.ReasonCode == DeactivationReasonCode.ActivationFailed ? reason.Exception : null);
        SiloMetrics.ActivationsEnded.Add(1);
    }

    /// <summary>Takes it out of the catalog. What waits goes to the next activation, or fails.</summary>
    private void Leave(Exception? failure)
    {
        _silo.Catalog.Remove(this);
        ActivationRequest[] left;
        lock (_lock)
        {
            _state = State.Ended;
            left = _requests.TakeWaiting();
        }

        foreach (var request in left)
        {
            if (failure is not null)
            {
                request.Fail(failure);
            }
            else
            {
                request.Reroute();
            }
        }

        lock (_lock)
        {
            _isOver = true;
        }

        _deactivated?.TrySetResult();
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

            if (_scope is { } scope)
            {
                await scope.DisposeAsync();
            }
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
