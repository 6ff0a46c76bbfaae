using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;
using Orleans.Runtime.Clustering;
using Orleans.Runtime.Networking;

namespace Orleans.Runtime.Clients;

/// <summary>
/// A client of a cluster in other processes. It finds a gateway in the list, learns from it which silos there are, connects
/// to all of them, and calls each grain at its own silo. When a gateway is lost the others go on.
/// </summary>
internal sealed class ClientRuntime : CallRuntime, ILinkOwner, IClientControl, IHealthCheckParticipant, IHostedService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<SiloAddress, SiloLink> _links = new();
    private readonly Queue<GrainCall> _waiting = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly WakeSignal _wake;
    private readonly IGatewayListProvider _gateways;
    private readonly TimeSpan _refresh;
    private volatile ClusterView _view = ClusterView.Empty;
    private volatile SiloLink[] _open = [];
    private Task _running = Task.CompletedTask;
    private uint _next;
    private bool _isListInitialised;

    // Asked for at the start: when the last gateway goes, the services may have gone before.
    private GatewayCountChangedHandler[] _gatewayHandlers = [];

    public ClientRuntime(IServiceProvider services)
        : base(services, services.GetRequiredService<IOptions<ClientMessagingOptions>>().Value.ResponseTimeout)
    {
        _wake = new WakeSignal(Time);
        Local = new PeerIdentity($"client-{Guid.NewGuid():N}", IsSilo: false);
        Observers = new LocalObservers(Local.Name);
        Observers.AddNamed(ISiloControl.Name, this);
        _gateways = services.GetRequiredService<IGatewayListProvider>();
        _refresh = services.GetRequiredService<IOptions<GatewayOptions>>().Value.GatewayListRefreshPeriod;
        Network = new ClusterNetwork(this);
    }

    public PeerIdentity Local { get; }

    public ClusterNetwork Network { get; }

    CallRuntime ILinkOwner.Runtime => this;

    public long ViewVersion => _view.Version;

    public override bool IsClient => true;

    /// <summary>The silos, as the gateways told last.</summary>
    public ClusterView View => _view;

    /// <summary>Why no grain can be called now; null when one can.</summary>
    public string? NotReady => _open.Length > 0 ? null : "No gateway of the cluster answers.";

    public Task StartAsync(CancellationToken cancellationToken)
    {
        IncomingFilters = [.. Services.GetServices<IIncomingGrainCallFilter>()];
        OutgoingFilters = [.. Services.GetServices<IOutgoingGrainCallFilter>()];
        _gatewayHandlers = [.. Services.GetServices<GatewayCountChangedHandler>()];
        Pending.Start();
        _running = RunAsync(_stopped.Token);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopped.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var link in _links.Values)
        {
            link.End("The client stops.");
        }

        Pending.FailAll(call => new SiloUnavailableException($"The client has stopped; {call.Target} did not answer."));
    }

    /// <summary>Ends at once, as a killed process would.</summary>
    public void Kill()
    {
        _stopped.Cancel();
        foreach (var link in _links.Values)
        {
            link.End("The client was killed.");
        }
    }

    public override GrainType Resolve(Type grainInterface, string? classNamePrefix) => GrainManifest.Instance.ResolveOrGuess(grainInterface, classNamePrefix);

    public override void Dispatch(GrainCall call)
    {
        if (call.Target.Type == LocalObservers.Type && LocalObservers.OwnerOf(call.Target).SequenceEqual(Local.Name))
        {
            Observers.Deliver(call);
            return;
        }

        if (_stopped.IsCancellationRequested)
        {
            call.Fail(new SiloUnavailableException("The client has stopped."));
            return;
        }

        do
        {
            if (_view.OwnerOf(call.UniformHash) is { } owner && _links.TryGetValue(owner.Silo, out var link) && link.TrySend(call))
            {
                return;
            }

            // Any other brings it there. None is waited for: the one that was just lost may be dead.
            var open = _open;
            var first = Interlocked.Increment(ref _next);
            for (var i = 0u; i < open.Length; i++)
            {
                if (open[(first + i) % (uint)open.Length].TrySend(call))
                {
                    return;
                }
            }
        }
        while (!TryWait(call));
    }

    Task IClientControl.ViewAsync(ClusterSnapshot snapshot)
    {
        lock (_lock)
        {
            if (snapshot.Version > _view.Version)
            {
                _view = new ClusterView(snapshot);
                UseView(_view);
            }
        }

        return Task.CompletedTask;
    }

    void IConnectionEvents.OnCall(ClusterConnection connection, GrainCall call) => Dispatch(call);

    void IConnectionEvents.OnClosed(ClusterConnection connection, Exception? reason)
    {
        Log.ConnectionEnded(connection.Remote.ToString(), reason?.Message);
        foreach (var link in _links.Values)
        {
            if (link.Closed(connection))
            {
                // Most often it was a fault of the network: without this the silo could not call our objects.
                link.Open();
                return;
            }
        }
    }

    ValueTask IConnectionEvents.MaySpeakAsync() => ValueTask.CompletedTask;

    void ILinkOwner.OnLinked(SiloLink link)
    {
        Log.GatewayConnected(link.Silo.ToString());
        GrainCall[] waiting;
        lock (_lock)
        {
            CountOpen();
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        foreach (var call in waiting)
        {
            Dispatch(call);
        }
    }

    void ILinkOwner.OnUnlinked(SiloLink link)
    {
        lock (_lock)
        {
            if (!CountOpen())
            {
                // It was not open before either: the next look comes in its time, not as fast as connections are refused.
                return;
            }
        }

        _wake.Set();
    }

    bool IHealthCheckParticipant.CheckIsHealthy(DateTime lastCheckTime, out string? reason)
    {
        reason = NotReady;
        return reason is null;
    }

    public override void Dispose()
    {
        _stopped.Cancel();
        base.Dispose();
    }

    /// <summary>Keeps a call until a gateway is open. False when one is.</summary>
    private bool TryWait(GrainCall call)
    {
        lock (_lock)
        {
            // Looked at again under the lock: a link that has just opened takes what waits.
            if (Array.Exists(_open, static l => l.IsOpen))
            {
                return false;
            }

            _waiting.Enqueue(call);
            return true;
        }
    }

    /// <summary>Whether their number has changed. Under the lock.</summary>
    private bool CountOpen()
    {
        var before = _open.Length;
        _open = [.. _links.Values.Where(l => l.IsOpen)];
        var now = _open.Length;
        if (before == now)
        {
            return false;
        }

        // Elsewhere: a handler may call grains, and must not hold up what comes from the network.
        ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                foreach (var handler in _stopped.IsCancellationRequested ? [] : _gatewayHandlers)
                {
                    handler(this, new GatewayCountChangedEventArgs(now, before));
                }
            },
            null);
        return true;
    }

    private void UseView(ClusterView view)
    {
        foreach (var member in view.Active)
        {
            // The list of gateways names them by the port for clients; from now on it is the link to that silo.
            if (member.Gateway is { } gateway && _links.TryRemove(SiloAddress.New(gateway, member.Silo.Generation), out var found) && !_links.TryAdd(member.Silo, found))
            {
                found.End("There is a link to that silo already.");
                CountOpen();
            }
        }

        foreach (var (silo, link) in _links)
        {
            if (view.Find(silo)?.Status is null or SiloStatus.Dead or SiloStatus.ShuttingDown && _links.TryRemove(silo, out _))
            {
                CountOpen();
                _ = LeaveAsync(link, view.Find(silo)?.Status == SiloStatus.ShuttingDown);
            }
        }

        foreach (var member in view.Active)
        {
            if (member.Gateway is { } gateway)
            {
                Connect(member.Silo, gateway, member.Silo.ToParsableString());
            }
        }
    }

    private void Bootstrap(SiloAddress gateway)
    {
        lock (_lock)
        {
            // There may be a link to it under its silo's address: a second one would take the place of the first.
            var known = _links.Values.FirstOrDefault(l => l.Endpoint.Equals(gateway.Endpoint) && l.Silo.Generation == gateway.Generation);
            if (known is null)
            {
                Connect(gateway, gateway.Endpoint, expected: null);
            }
            else
            {
                known.Open();
            }
        }
    }

    /// <summary>A silo that stops in an orderly way still answers what it was asked.</summary>
    private async Task LeaveAsync(SiloLink link, bool isOrderly)
    {
        var reason = $"{link.Silo} has left.";
        if (isOrderly)
        {
            await link.RetireAsync(ResponseTimeout, reason);
        }
        else
        {
            link.End(reason);
        }
    }

    private void Connect(SiloAddress silo, IPEndPoint gateway, string? expected) =>
        _links.GetOrAdd(silo, static (address, a) => new SiloLink(a.self, address, a.gateway, a.expected), (self: this, gateway, expected)).Open();

    /// <summary>
    /// While no gateway is open the list is read again and again; else now and then, because those that are open may be silent, and others may serve.
    /// </summary>
    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var read = Time.GetTimestamp();
        var reading = Task.CompletedTask;
        while (!cancellationToken.IsCancellationRequested)
        {
            foreach (var link in _links.Values.Where(l => !l.IsOpen))
            {
                link.Open();
            }

            // Beside the rest: the list may be away for long, and lost gateways come back meanwhile.
            if (reading.IsCompleted && (_open.Length == 0 || Time.GetElapsedTime(read) >= _refresh))
            {
                read = Time.GetTimestamp();
                reading = ReadListAsync(cancellationToken);
            }

            await _wake.WaitAsync(_open.Length < _links.Count || _open.Length == 0 ? RetryAfter : _refresh, cancellationToken);
        }
    }

    private async Task ReadListAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!_isListInitialised)
            {
                await _gateways.InitializeGatewayListProvider().WaitAsync(cancellationToken);
                _isListInitialised = true;
            }

            foreach (var uri in await _gateways.GetGateways().WaitAsync(cancellationToken))
            {
                // Which silo it is, it says itself: see UseView.
                Bootstrap(uri.ToGatewayAddress());
            }
        }
        catch (Exception e)
        {
            if (!cancellationToken.IsCancellationRequested)
            {
                Log.NoGateway(e.Message);
            }
        }
    }
}
