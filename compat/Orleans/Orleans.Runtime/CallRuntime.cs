using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

/// <summary>What a silo and a client have in common: they make references, send calls, wait for answers, and have objects that are called back.</summary>
internal abstract class CallRuntime : IDisposable
{
    protected CallRuntime(IServiceProvider services, TimeSpan responseTimeout)
    {
        Services = services;
        Time = services.GetRequiredService<TimeProvider>();
        ResponseTimeout = responseTimeout;
        Log = new SiloLog(services.GetRequiredService<ILogger<SiloLog>>());
        Pending = new PendingCalls(Time);
        Caller = new GrainCaller(this);
        Factory = new GrainFactory(this);
    }

    public IServiceProvider Services { get; }

    public TimeProvider Time { get; }

    public TimeSpan ResponseTimeout { get; }

    public SiloLog Log { get; }

    public PendingCalls Pending { get; }

    public IGrainCaller Caller { get; }

    public GrainFactory Factory { get; }

    /// <summary>The objects of this process that are called by reference.</summary>
    public LocalObservers Observers { get; protected init; } = new("");

    public IIncomingGrainCallFilter[] IncomingFilters { get; protected set; } = [];

    public IOutgoingGrainCallFilter[] OutgoingFilters { get; protected set; } = [];

    /// <summary>The grain type that a reference of the interface means.</summary>
    public abstract GrainType Resolve(Type grainInterface, string? classNamePrefix);

    /// <summary>Brings a call to its target.</summary>
    public abstract void Dispatch(GrainCall call);

    /// <summary>Whether answers are all that ends a call, so that its caller may go on where the answer was read.</summary>
    public virtual bool IsClient => false;

    public virtual void Dispose() => Pending.Dispose();
}
