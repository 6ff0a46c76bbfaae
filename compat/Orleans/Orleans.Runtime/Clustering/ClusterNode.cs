using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.Networking;

namespace Orleans.Runtime.Clustering;

/// <summary>
/// This silo among the others: it joins and leaves, knows whose each grain is, and passes calls to their silos. The parts
/// do the work: <see cref="MembershipOracle"/>, <see cref="SiloProber"/>, <see cref="DeathVotes"/>, <see cref="Handovers"/>, <see cref="Gateway"/>,
/// <see cref="SiloLink"/>, <see cref="StandstillGuard"/>, <see cref="StandstillInquiry"/>.
/// </summary>
internal sealed class ClusterNode : ILinkOwner, IHealthCheckParticipant, IDisposable
{
    /// <summary>How often a call is passed on while views differ.</summary>
    public const int MaxHops = 3;

    /// <summary>How long a call from a silo with a newer view waits until this silo has it too.</summary>
    private static readonly TimeSpan ViewLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ViewRetry = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a silo that leaves waits for what is under way.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(1);

    /// <summary>How long a silo that leaves waits for the table.</summary>
    private static readonly TimeSpan StatusLimit = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan JoinRetry = TimeSpan.FromSeconds(1);

    /// <summary>The version by which a silo that leaves has handed over: it gains nothing any more.</summary>
    private const long EverAfter = long.MaxValue;

    private static readonly DateTime Epoch = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly ConcurrentDictionary<SiloAddress, SiloLink> _links = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly ClusterMembershipOptions _membership;
    private readonly EndpointOptions _endpoints;
    private readonly StandstillGuard? _standstill;
    private readonly StandstillInquiry _inquiry;
    private readonly SiloProber _prober;
    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile TaskCompletionSource _viewArrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IClusterListener _siloListener;
    private readonly IClusterListener? _gatewayListener;
    private SiloControl? _control;
    private Task _probing = Task.CompletedTask;
    private bool _isLeaving;

    public ClusterNode(SiloRuntime runtime)
    {
        var services = runtime.Services;
        Runtime = runtime;
        _membership = services.GetRequiredService<IOptions<ClusterMembershipOptions>>().Value;
        _endpoints = services.GetRequiredService<IOptions<EndpointOptions>>().Value;
        var advertised = _endpoints.AdvertisedIPAddress ?? IPAddress.Loopback;
        Network = new ClusterNetwork(runtime);
        _siloListener = Network.Bind(_endpoints.SiloListeningEndpoint ?? new IPEndPoint(advertised, _endpoints.SiloPort));
        Self = SiloAddress.New(
            new IPEndPoint(advertised, _siloListener.Endpoint.Port),
            (int)((runtime.Time.GetUtcNow().UtcDateTime - Epoch).TotalSeconds * 4));
        if (_endpoints.GatewayPort > 0 || _endpoints.GatewayListeningEndpoint is not null)
        {
            _gatewayListener = Network.Bind(_endpoints.GatewayListeningEndpoint ?? new IPEndPoint(advertised, _endpoints.GatewayPort));
        }

        Local = new PeerIdentity(Self.ToParsableString(), IsSilo: true);
        Oracle = new MembershipOracle(
            Self, runtime.Name, _gatewayListener?.Endpoint.Port ?? 0, services.GetRequiredService<IMembershipTable>(), _membership, runtime.Time, runtime.Log,
            () => _standstill?.IsClosed == true);
        Handovers = new Handovers(this);
        Takeovers = new Takeovers(this, _membership);
        Gateway = new Gateway(this);
        Votes = new DeathVotes(this, _membership);
        _prober = new SiloProber(this, _membership);

        _inquiry = new StandstillInquiry(this, _membership);

        // A clock that tests move says nothing about a process that stands still.
        // Whoever answered a probe a moment ago misses that many before anybody votes; two thirds of it are surely too short.
        var notDeadBefore = _membership.ProbeTimeout * _membership.NumMissedProbesLimit * 2 / 3;
        _standstill = runtime.Time == TimeProvider.System ? new StandstillGuard(notDeadBefore, MakeSureAsync) : null;
        Oracle.ViewChanging += OnViewChanging;
        Oracle.ViewChanged += OnViewChanged;
        Oracle.DeclaredDead += OnDeclaredDead;
    }

    public SiloRuntime Runtime { get; }

    CallRuntime ILinkOwner.Runtime => Runtime;

    public SiloAddress Self { get; }

    public PeerIdentity Local { get; }

    public MembershipOracle Oracle { get; }

    public Handovers Handovers { get; }

    public Takeovers Takeovers { get; }

    public Gateway Gateway { get; }

    public DeathVotes Votes { get; }

    public ClusterNetwork Network { get; }

    public long ViewVersion => Oracle.View.Version;

    /// <summary>Why the silo does not serve yet; null when it does.</summary>
    public string? NotReady { get; private set; } = "The silo is starting.";

    /// <summary>Called when the others have declared this silo dead.</summary>
    public event Action? Died;

    /// <summary>Listens and joins. When the table is away it goes on trying, and answers at once.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _control = new SiloControl(this);
        Runtime.Observers.AddNamed(ISiloControl.Name, _control);
        Network.Listen(_siloListener, Local, forSilos: true, this, static _ => { }, _stopped.Token);
        if (_gatewayListener is not null)
        {
            Network.Listen(_gatewayListener, Local, forSilos: false, this, Gateway.Add, _stopped.Token);
        }

        var joining = JoinAsync();

        // Most often this takes a moment; a table that is away must not keep the process from saying so.
        await Task.WhenAny(joining, Task.Delay(JoinRetry * 2, Runtime.Time, cancellationToken));
    }

    /// <summary>Hands the grains over and leaves. Calls of this process still go to the others.</summary>
    public async Task LeaveAsync(Func<Task> endActivations, CancellationToken cancellationToken)
    {
        _isLeaving = true;
        NotReady = "The silo is stopping.";
        if (Oracle.Status == SiloStatus.Active)
        {
            await TrySetStatusAsync(SiloStatus.ShuttingDown, cancellationToken);

            // The answer to a probe says that what was told before it is known: from now on nobody brings new calls.
            await Task.WhenAll(Oracle.View.Active.Where(m => m.Silo != Self).Select(m => ProbeAsync(m.Silo, LeaveLimit)));
        }

        await endActivations();
        if (Oracle.Status is SiloStatus.ShuttingDown)
        {
            SayHandedOver(Oracle.View, EverAfter);
            await DrainLinksAsync();
            await TrySetStatusAsync(SiloStatus.Dead, cancellationToken);
            await Gateway.DrainAsync(LeaveLimit, Runtime.ResponseTimeout, cancellationToken);

            // What clients brought meanwhile was passed on.
            await DrainLinksAsync();
        }
    }

    private Task DrainLinksAsync() => Task.WhenAll(_links.Values.Select(l => l.DrainAsync(LeaveLimit)));

    /// <summary>Ends every connection.</summary>
    public async Task StopAsync()
    {
        await _stopped.CancelAsync();
        _siloListener.Dispose();
        _gatewayListener?.Dispose();
        Gateway.CloseAll();
        foreach (var link in _links.Values)
        {
            link.End("This silo stops.");
        }

        await _probing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends at once, as a killed process would: nothing is handed over and nobody is told.</summary>
    public void Kill()
    {
        _stopped.Cancel();
        _siloListener.Dispose();
        _gatewayListener?.Dispose();
        Gateway.CloseAll();
        foreach (var link in _links.Values)
        {
            link.End("This silo was killed.");
        }
    }

    /// <summary>Brings a call to its silo.</summary>
    public void Dispatch(GrainCall call)
    {
        var id = call.Target;
        var view = Oracle.View;
        if (Runtime.Catalog.Find(id) is { } known && ReferenceEquals(known.OwnedIn, view) && call.ViewVersion <= view.Version
            && !Runtime.IsStopped && _standstill?.PassAsync() is null or { IsCompletedSuccessfully: true } && known.TryEnqueue(call))
        {
            // Most calls by far: the grain is here, and was found to belong here by this very view.
            return;
        }

        if (_stopped.IsCancellationRequested)
        {
            call.Fail(new SiloUnavailableException($"The silo has stopped; {id} cannot be called."));
            return;
        }

        if (id.Type == LocalObservers.Type)
        {
            DispatchToObserver(call);
            return;
        }

        if (!_joined.Task.IsCompleted)
        {
            _ = WaitAndDispatchAsync(_joined.Task, call);
            return;
        }

        if (_standstill?.PassAsync() is { IsCompletedSuccessfully: false } pass)
        {
            // Calls within this process as well: their grains may be another silo's by now.
            _ = WaitAndDispatchAsync(pass.AsTask(), call);
            return;
        }

        if (call.ViewVersion > view.Version)
        {
            _ = CatchUpAsync(call.ViewVersion, call);
            return;
        }

        if (Runtime.Catalog.IsLocalWorker(id))
        {
            Runtime.Catalog.Deliver(id, call);
            return;
        }

        var owner = view.OwnerOf(call.UniformHash);
        if (owner is null || owner.Silo == Self)
        {
            if (Handovers.Find(id) is { } handover && !Runtime.Catalog.Has(id))
            {
                _ = WaitAndDispatchAsync(handover, call);
                return;
            }

            Runtime.Catalog.Deliver(id, call, view);
        }
        else if (call.Hops >= MaxHops)
        {
            call.Fail(new OrleansMessageRejectionException($"{call.Target} was passed on {call.Hops} times; the silos do not agree whose it is."));
        }
        else
        {
            LinkTo(owner.Silo).Send(call);
        }
    }

    /// <summary>Whether another silo has not answered a call of that kind yet.</summary>
    public bool HasPassedOn(Predicate<GrainCall> predicate) => _links.Values.Any(l => l.Awaits(predicate));

    /// <summary>The link to a silo of the view, or null.</summary>
    public SiloLink? TryLink(SiloAddress silo) => Oracle.View.Find(silo)?.Status is null or SiloStatus.Dead ? null : LinkTo(silo);

    /// <summary>Another silo's control object.</summary>
    public ISiloControl ControlOf(SiloAddress silo) =>
        Runtime.Factory.GetGrain<ISiloControl>(LocalObservers.Named(silo.ToParsableString(), ISiloControl.Name));

    /// <summary>Whether a silo answers within the time.</summary>
    public async Task<bool> ProbeAsync(SiloAddress silo, TimeSpan timeout)
    {
        try
        {
            await ControlOf(silo).ProbeAsync().WaitAsync(timeout, Runtime.Time, _stopped.Token);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OrleansException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Whether another silo, any one, reaches it.</summary>
    public async Task<bool> ReachesThroughAnotherAsync(SiloAddress silo)
    {
        if (!_membership.EnableIndirectProbes || Oracle.View.Active.Where(m => m.Silo != silo && m.Silo != Self).ToArray() is not { Length: > 0 } others)
        {
            return false;
        }

        try
        {
            return await ControlOf(others[Random.Shared.Next(others.Length)].Silo).ProbeForAsync(silo, _membership.ProbeTimeout)
                .WaitAsync(_membership.ProbeTimeout * 2, Runtime.Time, _stopped.Token);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>What this silo says to one that asks whether it still belongs to the cluster.</summary>
    public SiloWord WordFor(SiloAddress asker) => _inquiry.WordFor(asker);

    /// <summary>Tells every silo the view.</summary>
    public void TellEverybody()
    {
        var view = Oracle.View;
        foreach (var member in view.Snapshot.Members.Where(m => m.Silo != Self && m.Status is SiloStatus.Active or SiloStatus.ShuttingDown))
        {
            ControlOf(member.Silo).ViewAsync(view.Snapshot);
        }
    }

    void IConnectionEvents.OnCall(ClusterConnection connection, GrainCall call) => Runtime.Dispatch(call);

    void IConnectionEvents.OnClosed(ClusterConnection connection, Exception? reason)
    {
        Runtime.Log.ConnectionEnded(connection.Remote.ToString(), reason?.Message);
        if (!Gateway.Remove(connection))
        {
            foreach (var link in _links.Values)
            {
                if (link.Closed(connection))
                {
                    return;
                }
            }
        }
    }

    ValueTask IConnectionEvents.MaySpeakAsync() => _standstill?.PassAsync() ?? ValueTask.CompletedTask;

    void ILinkOwner.OnLinked(SiloLink link)
    {
    }

    void ILinkOwner.OnUnlinked(SiloLink link)
    {
        if (!_stopped.IsCancellationRequested)
        {
            _prober.ProbeNow(link.Silo);
        }
    }

    bool IHealthCheckParticipant.CheckIsHealthy(DateTime lastCheckTime, out string? reason)
    {
        reason = NotReady;
        return reason is null;
    }

    public void Dispose()
    {
        _stopped.Cancel();
        _standstill?.Dispose();
    }

    private SiloLink LinkTo(SiloAddress silo) =>
        _links.GetOrAdd(silo, static (address, self) => new SiloLink(self, address, address.Endpoint, address.ToParsableString()), this);

    private void DispatchToObserver(GrainCall call)
    {
        var owner = LocalObservers.OwnerOf(call.Target);
        if (owner.SequenceEqual(Local.Name))
        {
            Runtime.Observers.Deliver(call);
        }
        else if (owner.Contains('@'))
        {
            var silo = SiloAddress.FromParsableString(owner.ToString());
            if (Oracle.View.Find(silo)?.Status is null or SiloStatus.Dead)
            {
                call.Fail(new ClientNotAvailableException($"The silo of {call.Target} is gone."));
            }
            else
            {
                LinkTo(silo).Send(call);
            }
        }
        else
        {
            Gateway.Deliver(call);
        }
    }

    private async Task JoinAsync()
    {
        while (!_stopped.IsCancellationRequested && !_isLeaving)
        {
            try
            {
                await Oracle.JoinAsync(() => Votes.LookAtOthersAsync(_stopped.Token), _stopped.Token);
                NotReady = null;
                _joined.TrySetResult();
                TellEverybody();
                _probing = Task.WhenAll(_prober.RunAsync(_stopped.Token), MaintainAsync(_stopped.Token));
                return;
            }
            catch (Exception e) when (!_stopped.IsCancellationRequested)
            {
                NotReady = $"The silo has not joined the cluster: {e.Message}";
                Runtime.Log.JoinDelayed(e.Message);
                await Task.Delay(JoinRetry, Runtime.Time, _stopped.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Says that this silo lives, reads the table, and cleans it up, each in its own time.</summary>
    private async Task MaintainAsync(CancellationToken cancellationToken)
    {
        var (said, cleaned) = (Runtime.Time.GetTimestamp(), Runtime.Time.GetTimestamp());
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(_membership.TableRefreshTimeout, Runtime.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            await Oracle.RefreshAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (Runtime.Time.GetElapsedTime(said) >= _membership.IAmAliveTablePublishTimeout)
            {
                said = Runtime.Time.GetTimestamp();
                await Oracle.SayAliveAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (_membership.DefunctSiloCleanupPeriod is { } period && Runtime.Time.GetElapsedTime(cleaned) >= period)
            {
                cleaned = Runtime.Time.GetTimestamp();
                await Oracle.CleanUpAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task TrySetStatusAsync(SiloStatus status, CancellationToken cancellationToken)
    {
        try
        {
            using var limit = new CancellationTokenSource(StatusLimit, Runtime.Time);
            using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
            await Oracle.SetStatusAsync(status, time.Token);
            TellEverybody();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The others find out by their probes.
            Runtime.Log.TableAway(e);
        }
        catch (OperationCanceledException)
        {
            Runtime.Log.JoinDelayed($"No time was left to write that this silo is {status}.");
        }
    }

    private void OnViewChanging(ClusterView before, ClusterView after)
    {
        Handovers.Expect(before.Active.Length == 0 ? Without(after, Self) : before, after);
        Takeovers.OnView(before, after);
    }

    private void OnViewChanged(ClusterView before, ClusterView after)
    {
        foreach (var (silo, link) in _links)
        {
            if (after.Find(silo)?.Status is null or SiloStatus.Dead && _links.TryRemove(silo, out _))
            {
                link.End($"{silo} is dead.");
            }
        }

        _ = HandOverAsync(after);
        Gateway.OnView(after);
        Runtime.OnView(after);
        Interlocked.Exchange(ref _viewArrived, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    private static ClusterView Without(ClusterView view, SiloAddress silo) =>
        new(view.Snapshot with { Members = [.. view.Snapshot.Members.Where(m => m.Silo != silo)] });

    /// <summary>Ends the activations that belong to others by the view, then says so.</summary>
    private async Task HandOverAsync(ClusterView view)
    {
        if (!view.IsActive(Self))
        {
            // On the way out LeaveAsync does it.
            return;
        }

        var moving = Runtime.Catalog.Movable.Where(a => view.OwnerOf(a.GrainId)?.Silo != Self).ToArray();
        if (moving.Length > 0)
        {
            Runtime.Log.HandingOver(moving.Length, view.Version);
            foreach (var activation in moving)
            {
                activation.Deactivate(new DeactivationReason(DeactivationReasonCode.Migrating, "The grain's share has moved to another silo."));
            }

            await Task.WhenAll(moving.Select(a => a.Deactivated)).WaitAsync(Handovers.Limit, Runtime.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // What this silo was itself waiting for was not its own to hand over yet.
        await Handovers.EarlierAsync(view.Version).WaitAsync(Handovers.Limit, Runtime.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        SayHandedOver(view, view.Version);
    }

    private void SayHandedOver(ClusterView view, long version)
    {
        foreach (var member in view.Active.Where(m => m.Silo != Self))
        {
            ControlOf(member.Silo).HandedOverAsync(Self, version);
        }
    }

    private static async Task WaitAndDispatchAsync(Task task, GrainCall call)
    {
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!call.IsDone)
        {
            call.Reroute();
        }
    }

    /// <summary>The sender's view is newer: its choice cannot be judged before ours is as new.</summary>
    private async Task CatchUpAsync(long version, GrainCall call)
    {
        if (await KnowsAsync(version))
        {
            await WaitAndDispatchAsync(Task.CompletedTask, call);
        }
        else if (!call.IsDone)
        {
            call.Fail(new SiloUnavailableException($"{Self} knows view {ViewVersion}, its caller {version}."));
        }
    }

    /// <summary>Waits for a view that another silo has. False when it does not come.</summary>
    public async Task<bool> KnowsAsync(long version)
    {
        var since = Runtime.Time.GetTimestamp();
        while (ViewVersion < version && Runtime.Time.GetElapsedTime(since) < ViewLimit)
        {
            var arrived = _viewArrived.Task;
            if (ViewVersion >= version)
            {
                break;
            }

            await Oracle.RefreshAsync(_stopped.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ViewVersion < version)
            {
                await Task.WhenAny(arrived, Task.Delay(ViewRetry, Runtime.Time));
            }
        }

        return ViewVersion >= version;
    }

    private Task MakeSureAsync(TimeSpan stoodStill)
    {
        Runtime.Log.StoodStill(stoodStill);
        return _inquiry.MakeSureAsync(stoodStill, _stopped.Token);
    }

    private void OnDeclaredDead()
    {
        Runtime.Log.DeclaredDeadItself(Self);
        NotReady = "The other silos have declared this one dead.";
        Kill();
        Died?.Invoke();
    }
}
