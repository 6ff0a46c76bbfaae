using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.Clustering;

namespace Orleans.Runtime;

/// <summary>
/// One silo: where its parts meet. A call goes reference → <see cref="CallRuntime.Caller"/> → <see cref="Dispatch"/> →
/// catalog or observers. In a cluster <see cref="Cluster"/> stands in between and knows whose each grain is.
/// </summary>
internal sealed class SiloRuntime : CallRuntime
{
    private readonly IdleCollector _collector;
    private readonly StagedLifecycle _lifecycle = new();
    private volatile bool _isStopped;
    private int _stopping;
    private IGrainRuntime? _grainRuntime;

    public SiloRuntime(IServiceProvider services)
        : base(services, services.GetRequiredService<IOptions<SiloMessagingOptions>>().Value.ResponseTimeout)
    {
        Collection = services.GetRequiredService<IOptions<GrainCollectionOptions>>().Value;
        Name = services.GetRequiredService<IOptions<SiloOptions>>().Value.SiloName;
        MaxRequests = services.GetRequiredService<IOptions<SiloMessagingOptions>>().Value.MaxEnqueuedRequestsHardLimit;
        Catalog = new Catalog(this);
        Activator = new GrainActivator(new PersistentStateFactory());
        _collector = new IdleCollector(this);
        if (services.GetService<IMembershipTable>() is not null)
        {
            Cluster = new ClusterNode(this);
            Observers = new LocalObservers(Cluster.Local.Name);
            Cluster.Died += () => Die();
        }

        SiloMetrics.Observe(this);
    }

    /// <summary>The other silos; null when this one is alone.</summary>
    public ClusterNode? Cluster { get; }

    /// <summary>A new view of the cluster has come.</summary>
    public event Action<ClusterView>? ViewChanged;

    /// <summary>The silo has ended because the others declared it dead.</summary>
    public event Action? Died;

    public string Name { get; }

    public GrainCollectionOptions Collection { get; }

    /// <summary>Requests that one activation may have; 0 for any number.</summary>
    public int MaxRequests { get; }

    public Catalog Catalog { get; }

    public GrainActivator Activator { get; }

    /// <summary>What grains ask of their silo.</summary>
    public IGrainRuntime GrainRuntime => _grainRuntime ??= Services.GetRequiredService<IGrainRuntime>();

    /// <summary>True once every activation has ended.</summary>
    public bool IsStopped => _isStopped;

    /// <inheritdoc/>
    public override GrainType Resolve(Type grainInterface, string? classNamePrefix) => GrainManifest.Instance.Resolve(grainInterface, classNamePrefix);

    /// <inheritdoc/>
    public override void Dispatch(GrainCall call)
    {
        if (Cluster is not null)
        {
            Cluster.Dispatch(call);
        }
        else if (call.Target.Type == LocalObservers.Type)
        {
            Observers.Deliver(call);
        }
        else
        {
            Catalog.Deliver(call.Target, call);
        }
    }

    /// <summary>Whether the grain's reminders are this silo's to fire.</summary>
    public bool Owns(GrainId grain) => Cluster is null || Cluster.Oracle.View.OwnerOf(grain)?.Silo == Cluster.Self;

    /// <summary>Whether the grain may have its activation here. While no silo serves, the last one that leaves has them all.</summary>
    public bool MayActivate(GrainId grain) => Cluster is null || Cluster.Oracle.View.OwnerOf(grain) is not { } owner || owner.Silo == Cluster.Self;

    /// <summary>Called by the cluster's part.</summary>
    public void OnView(ClusterView view) => ViewChanged?.Invoke(view);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        IncomingFilters = [.. Services.GetServices<IIncomingGrainCallFilter>()];
        OutgoingFilters = [.. Services.GetServices<IOutgoingGrainCallFilter>()];
        Pending.Start();
        _collector.Start();
        if (Cluster is not null)
        {
            await Cluster.StartAsync(cancellationToken);
        }

        foreach (var participant in Services.GetServices<ILifecycleParticipant<ISiloLifecycle>>())
        {
            participant.Participate(_lifecycle);
        }

        await _lifecycle.StartAsync(cancellationToken);
        Log.Started(Name);
    }

    /// <summary>Stops services, then ends every activation, within the token's time.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _stopping, 1) != 0)
        {
            return;
        }

        await _lifecycle.StopAsync(Log.StopFailed, cancellationToken);
        if (Cluster is not null)
        {
            await Cluster.LeaveAsync(() => EndActivationsAsync(cancellationToken), cancellationToken);
        }
        else
        {
            await EndActivationsAsync(cancellationToken);
        }

        _isStopped = true;
        Pending.FailAll(call => new SiloUnavailableException($"The silo has stopped; {call.Target} did not answer."));
        if (Cluster is not null)
        {
            await Cluster.StopAsync();
        }

        Log.Stopped(Name);
    }

    /// <summary>Ends as a killed process does: activations are dropped where they stand.</summary>
    public void Kill()
    {
        Interlocked.Exchange(ref _stopping, 1);
        _isStopped = true;
        Cluster?.Kill();
        Pending.FailAll(call => new SiloUnavailableException($"The silo was killed; {call.Target} did not answer."));
    }

    private void Die()
    {
        Kill();
        Died?.Invoke();
    }

    private async Task EndActivationsAsync(CancellationToken cancellationToken)
    {
        var reason = new DeactivationReason(DeactivationReasonCode.ShuttingDown, "The silo is stopping.");
        try
        {
            // A grain that ends may call others, which are activated for it: they end in the next round.
            for (Activation[] left = [.. Catalog.All]; left.Length > 0; left = [.. Catalog.All])
            {
                foreach (var activation in left)
                {
                    activation.Deactivate(reason, cancellationToken);
                }

                await Task.WhenAll(left.Select(a => a.Deactivated)).WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            Log.StopTimedOut(Catalog.Count);
        }
    }

    public override void Dispose()
    {
        SiloMetrics.Forget(this);
        _collector.Dispose();
        Cluster?.Dispose();
        base.Dispose();
    }
}
