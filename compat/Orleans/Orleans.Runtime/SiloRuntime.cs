using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Orleans.Runtime;

/// <summary>
/// One silo: where its parts meet. A call goes reference → <see cref="Caller"/> → <see cref="Dispatch"/> → catalog or
/// observers. A second silo comes in at <see cref="Dispatch"/>, which then asks the directory whose the grain is.
/// </summary>
internal sealed class SiloRuntime : IDisposable
{
    private readonly IdleCollector _collector;
    private readonly StagedLifecycle _lifecycle = new();
    private volatile bool _isStopped;
    private int _stopping;

    public SiloRuntime(IServiceProvider services)
    {
        Services = services;
        Time = services.GetRequiredService<TimeProvider>();
        Collection = services.GetRequiredService<IOptions<GrainCollectionOptions>>().Value;
        ResponseTimeout = services.GetRequiredService<IOptions<SiloMessagingOptions>>().Value.ResponseTimeout;
        Log = new SiloLog(services.GetRequiredService<ILogger<SiloLog>>());
        Name = services.GetRequiredService<IOptions<SiloOptions>>().Value.SiloName;
        Pending = new PendingCalls(Time);
        Caller = new GrainCaller(this);
        Factory = new GrainFactory(this);
        Observers = new LocalObservers();
        Catalog = new Catalog(this);
        Activator = new GrainActivator(new PersistentStateFactory());
        _collector = new IdleCollector(this);
        SiloMetrics.Observe(this);
    }

    public string Name { get; }

    public IServiceProvider Services { get; }

    public TimeProvider Time { get; }

    public GrainCollectionOptions Collection { get; }

    public TimeSpan ResponseTimeout { get; }

    public SiloLog Log { get; }

    public PendingCalls Pending { get; }

    public IGrainCaller Caller { get; }

    public GrainFactory Factory { get; }

    public LocalObservers Observers { get; }

    public Catalog Catalog { get; }

    public GrainActivator Activator { get; }

    public IIncomingGrainCallFilter[] IncomingFilters { get; private set; } = [];

    public IOutgoingGrainCallFilter[] OutgoingFilters { get; private set; } = [];

    /// <summary>True once every activation has ended.</summary>
    public bool IsStopped => _isStopped;

    /// <summary>Brings a call to its target.</summary>
    public void Dispatch(GrainCall call)
    {
        if (call.Target.GrainId.Type == LocalObservers.Type)
        {
            Observers.Deliver(call);
        }
        else
        {
            Catalog.Deliver(call.Target.GrainId, call);
        }
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        IncomingFilters = [.. Services.GetServices<IIncomingGrainCallFilter>()];
        OutgoingFilters = [.. Services.GetServices<IOutgoingGrainCallFilter>()];
        Pending.Start();
        _collector.Start();
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

        _isStopped = true;
        Pending.FailAll(call => new SiloUnavailableException($"The silo has stopped; {call.Target.GrainId} did not answer."));
        Log.Stopped(Name);
    }

    public void Dispose()
    {
        SiloMetrics.Forget(this);
        _collector.Dispose();
        Pending.Dispose();
    }
}
