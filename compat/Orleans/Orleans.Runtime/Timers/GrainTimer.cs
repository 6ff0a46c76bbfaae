namespace Orleans.Runtime;

/// <summary>A timer of an activation. Its callbacks are requests of the activation; the period counts from a callback's end.</summary>
internal sealed class GrainTimer<TState> : IGrainTimer
{
    private readonly Lock _lock = new();
    private readonly Activation _activation;
    private readonly SiloRuntime _silo;
    private readonly Func<TState, CancellationToken, Task> _callback;
    private readonly TState _state;
    private readonly GrainTimerCreationOptions _options;
    private readonly CancellationTokenSource _disposed = new();
    private readonly ITimer _timer;
    private TimeSpan _period;
    private bool _isFiring;
    private TimeSpan? _changedDueTime;
    private bool _isDisposed;

    public GrainTimer(SiloRuntime silo, Activation activation, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options)
    {
        _silo = silo;
        _activation = activation;
        _callback = callback;
        _state = state;
        _options = options;
        _period = options.Period;
        activation.AddTimer(this);
        _timer = silo.Time.CreateTimer(static self => ((GrainTimer<TState>)self!).Fire(), this, options.DueTime, Timeout.InfiniteTimeSpan);
    }

    public void Change(TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _period = period;
            if (_isFiring)
            {
                _changedDueTime = dueTime;
            }
            else
            {
                _timer.Change(dueTime, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
        }

        _timer.Dispose();
        _disposed.Cancel();
        _activation.RemoveTimer(this);
    }

    private void Fire()
    {
        lock (_lock)
        {
            if (_isDisposed || _isFiring)
            {
                return;
            }

            _isFiring = true;
        }

        _activation.TryEnqueue(new Tick(this));
    }

    private async Task RunAsync()
    {
        if (_disposed.IsCancellationRequested)
        {
            return;
        }

        try
        {
            await _callback(_state, _disposed.Token);
        }
        catch (OperationCanceledException) when (_disposed.IsCancellationRequested)
        {
            // The timer was disposed while its callback ran and the callback gave up, as it should.
            return;
        }
        catch (Exception e)
        {
            _silo.Log.TimerFailed(e, _activation.GrainId);
        }

        lock (_lock)
        {
            _isFiring = false;
            if (!_isDisposed)
            {
                _timer.Change(_changedDueTime ?? _period, Timeout.InfiniteTimeSpan);
                _changedDueTime = null;
            }
        }
    }

    private sealed class Tick(GrainTimer<TState> timer) : ActivationRequest
    {
        public override bool AlwaysInterleave => timer._options.Interleave;

        public override bool KeepsAlive => timer._options.KeepAlive;

        public override Task RunAsync(Activation activation) => timer.RunAsync();

        public override void Reroute()
        {
            // A timer ends with its activation.
        }

        public override void Fail(Exception exception)
        {
            // A timer ends with its activation, and the failure to activate was logged.
        }
    }
}
