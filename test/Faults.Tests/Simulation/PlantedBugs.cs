using Orleans.Storage;

namespace VoiceCluster.Faults.Tests.Simulation;

/// <summary>A fault of the engine or of a store that is there on purpose: the checkers must find it.</summary>
internal enum PlantedBug
{
    None,

    /// <summary>The store takes a write that was made from an old state.</summary>
    StoreTakesOldETags,

    /// <summary>The store says of some writes that it has them, and has not.</summary>
    StoreDropsWrites,

    /// <summary>One silo does not know another one, and starts its grains a second time.</summary>
    SiloForgetsAnother,

    /// <summary>Some reminders are due and not told.</summary>
    TicksAreDropped,
}

/// <summary>A store with a bug.</summary>
internal sealed class PlantedStorage(IGrainStorage store, PlantedBug bug) : IGrainStorage
{
    /// <summary>One of so many writes is dropped.</summary>
    private const int DroppedOneOf = 5;

    private int _writes;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => store.ReadStateAsync(stateName, grainId, grainState);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var stored = new GrainState<T>();
        await store.ReadStateAsync(stateName, grainId, stored);
        if (bug == PlantedBug.StoreTakesOldETags)
        {
            (grainState.ETag, grainState.RecordExists) = (stored.ETag, stored.RecordExists);
        }

        await store.WriteStateAsync(stateName, grainId, grainState);
        if (bug == PlantedBug.StoreDropsWrites && Interlocked.Increment(ref _writes) % DroppedOneOf == 0)
        {
            // With an ETag that the next write will be taken by.
            stored.ETag = grainState.ETag;
            stored.RecordExists = true;
            await store.WriteStateAsync(stateName, grainId, stored);
            grainState.ETag = stored.ETag;
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => store.ClearStateAsync(stateName, grainId, grainState);
}

/// <summary>Does not let some ticks through.</summary>
internal sealed class TickDropper
{
    private const int DroppedOneOf = 20;

    private int _ticks;

    public Task Invoke(IIncomingGrainCallContext context) =>
        context.Grain is IRemindable && context.ImplementationMethod.Name == nameof(IRemindable.ReceiveReminder) && Interlocked.Increment(ref _ticks) % DroppedOneOf == 0
            ? Task.CompletedTask
            : context.Invoke();
}
