using Microsoft.Extensions.DependencyInjection;
using Orleans.Core;
using Orleans.Runtime;

namespace Orleans;

/// <summary>Base of grain classes. Its members are for the grain's own turns only.</summary>
public abstract class Grain : IGrainBase, IAddressable
{
    private readonly IGrainContext _context;

    /// <summary>Called by the runtime within the activation.</summary>
    protected Grain()
        : this(RuntimeContext.Current ?? throw new InvalidOperationException("Grains are made by the runtime: use IGrainFactory.GetGrain."))
    {
    }

    /// <summary>For tests that bring a context of their own.</summary>
    protected Grain(IGrainContext grainContext, IGrainRuntime? grainRuntime = null)
    {
        _context = grainContext;
        Runtime = grainRuntime ?? (grainContext as IGrainRuntimeSource)?.Runtime ?? grainContext.ActivationServices.GetRequiredService<IGrainRuntime>();
    }

    /// <inheritdoc/>
    public IGrainContext GrainContext => _context;

    /// <summary>Makes references to other grains.</summary>
    protected IGrainFactory GrainFactory => Runtime.GrainFactory;

    /// <summary>Services of this activation.</summary>
    protected IServiceProvider ServiceProvider => _context.ActivationServices;

    /// <summary>The grain's id as text.</summary>
    public string IdentityString => _context.GrainId.ToString();

    /// <summary>The silo's name.</summary>
    public string RuntimeIdentity => Runtime.SiloIdentity;

    internal IGrainRuntime Runtime { get; }

    /// <inheritdoc/>
    public virtual Task OnActivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public virtual Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Ends this activation once the running requests have ended; the next call makes a new one.</summary>
    protected void DeactivateOnIdle() => Runtime.DeactivateOnIdle(_context);

    /// <summary>Keeps the activation from idle collection for at least that time.</summary>
    protected void DelayDeactivation(TimeSpan timeSpan) => Runtime.DelayDeactivation(_context, timeSpan);
}

/// <summary>A grain with one stored state, in the default storage.</summary>
public class Grain<TGrainState> : Grain
{
    private readonly IStorage<TGrainState> _storage;

    /// <summary>Called by the runtime within the activation.</summary>
    protected Grain() => _storage = Runtime.GetStorage<TGrainState>(GrainContext);

    /// <summary>The state as read or last changed.</summary>
    protected TGrainState State
    {
        get => _storage.State;
        set => _storage.State = value;
    }

    /// <summary>Deletes the stored state.</summary>
    protected virtual Task ClearStateAsync() => _storage.ClearStateAsync();

    /// <summary>Stores the state.</summary>
    protected virtual Task WriteStateAsync() => _storage.WriteStateAsync();

    /// <summary>Reads the state again.</summary>
    protected virtual Task ReadStateAsync() => _storage.ReadStateAsync();
}
