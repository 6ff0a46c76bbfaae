using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.Clustering;
using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>A grain's stored state: read before the activation, written when the grain says so.</summary>
internal sealed class PersistentState<TState> : IPersistentState<TState>, ILifecycleObserver, ITakenState
{
    /// <summary>How often a state is taken over from somebody who goes on writing it.</summary>
    private const int MaxClaims = 3;

    private readonly IGrainContext _context;
    private readonly IGrainStorage _storage;
    private readonly string _name;
    private readonly GrainState<TState> _state = new();
    private int _running;

    public PersistentState(IGrainContext context, IGrainStorage storage, string name)
    {
        _context = context;
        _storage = storage;
        _name = name;
        context.ObservableLifecycle.Subscribe($"State {name}", GrainLifecycleStage.SetupState, this);
    }

    public TState State
    {
        get => _state.State;
        set => _state.State = value;
    }

    public string? Etag => _state.ETag;

    public bool RecordExists => _state.RecordExists;

    public async Task OnStart(CancellationToken cancellationToken)
    {
        await ReadStateAsync(cancellationToken);
        if (_context is Activation { Takeovers: { IsInDoubt: true } takeovers })
        {
            await ClaimAsync();
            takeovers.Watch(this);
        }
    }

    public Task OnStop(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task ReadStateAsync(CancellationToken cancellationToken = default) => GuardAsync(() => _storage.ReadStateAsync(_name, _context.GrainId, _state));

    public Task WriteStateAsync(CancellationToken cancellationToken = default) => GuardAsync(() => _storage.WriteStateAsync(_name, _context.GrainId, _state));

    public Task ClearStateAsync(CancellationToken cancellationToken = default) => GuardAsync(() => _storage.ClearStateAsync(_name, _context.GrainId, _state));

    async Task<bool> ITakenState.CompareAsync()
    {
        if (_context.Deactivated.IsCompleted)
        {
            return true;
        }

        try
        {
            return await Task.Factory.StartNew(CompareAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, ((Activation)_context).Scheduler).Unwrap();
        }
        catch (Exception e)
        {
            // The store is away: it is asked again.
            ((Activation)_context).NoteNotCompared(e);
            return false;
        }
    }

    /// <summary>A turn beside others: what the grain itself reads or writes meanwhile settles it as well.</summary>
    private async Task<bool> CompareAsync()
    {
        if (_running > 0)
        {
            return false;
        }

        var (etag, stored) = (_state.ETag, new GrainState<TState>());
        await _storage.ReadStateAsync(_name, _context.GrainId, stored);
        if (_running > 0 || _state.ETag != etag)
        {
            return false;
        }

        if (stored.ETag != etag)
        {
            _context.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationError, "A silo that was declared dead has written the stored state."));
        }

        return true;
    }

    /// <summary>Writes what was read, so that the ETag of whoever had the grain before is void.</summary>
    private async Task ClaimAsync()
    {
        for (var claims = 1; _state.RecordExists; claims++)
        {
            try
            {
                await _storage.WriteStateAsync(_name, _context.GrainId, _state);
                return;
            }
            catch (InconsistentStateException) when (claims < MaxClaims)
            {
                await _storage.ReadStateAsync(_name, _context.GrainId, _state);
            }
        }
    }

    /// <summary>The operation is started in here, because a store may throw before it answers a task.</summary>
    private async Task GuardAsync(Func<Task> operation)
    {
        _running++;
        try
        {
            await operation();
        }
        catch (InconsistentStateException e)
        {
            // Whatever this activation holds is not what is stored. It must end, even if the grain catches the exception.
            _context.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationError, e, "The stored state was written by somebody else."));
            throw;
        }
        finally
        {
            _running--;
        }
    }
}

/// <summary>Makes the states that constructor parameters with [PersistentState] ask for.</summary>
internal sealed class PersistentStateFactory
{
    private static readonly MethodInfo MakeMethod = typeof(PersistentStateFactory).GetMethod(nameof(Make), BindingFlags.Public | BindingFlags.Static)!;

    public Func<Activation, object?> MakeFactory(Type parameterType, PersistentStateAttribute attribute)
    {
        if (!parameterType.IsGenericType || parameterType.GetGenericTypeDefinition() != typeof(IPersistentState<>))
        {
            throw new InvalidOperationException($"[PersistentState] stands on a parameter of type {parameterType}, not IPersistentState<T>.");
        }

        var make = MakeMethod.MakeGenericMethod(parameterType.GetGenericArguments())
            .CreateDelegate<Func<IGrainContext, string, string?, object>>();
        return activation => make(activation, attribute.StateName, attribute.StorageName);
    }

    public static IPersistentState<TState> Make<TState>(IGrainContext context, string stateName, string? storageName)
    {
        var services = context.ActivationServices;
        var storage = storageName is null ? services.GetService<IGrainStorage>() : services.GetKeyedService<IGrainStorage>(storageName);
        return storage is null
            ? throw new BadProviderConfigException(
                storageName is null ? "There is no default grain storage." : $"There is no grain storage named \"{storageName}\".")
            : new PersistentState<TState>(context, storage, stateName);
    }
}
