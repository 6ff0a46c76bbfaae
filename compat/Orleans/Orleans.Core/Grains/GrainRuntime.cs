using Orleans.Core;

namespace Orleans.Runtime;

/// <summary>What a grain asks of its runtime.</summary>
public interface IGrainRuntime
{
    /// <summary>The silo's name.</summary>
    string SiloIdentity { get; }

    /// <summary>Makes references.</summary>
    IGrainFactory GrainFactory { get; }

    /// <summary>The silo's clock.</summary>
    TimeProvider TimeProvider { get; }

    /// <summary>Ends the activation once it is idle.</summary>
    void DeactivateOnIdle(IGrainContext grainContext);

    /// <summary>Keeps the activation from idle collection.</summary>
    void DelayDeactivation(IGrainContext grainContext, TimeSpan timeSpan);

    /// <summary>The storage of <see cref="Grain{TGrainState}"/>.</summary>
    IStorage<TGrainState> GetStorage<TGrainState>(IGrainContext grainContext);

    /// <summary>Starts a timer whose callbacks are turns of the activation.</summary>
    IGrainTimer RegisterTimer<TState>(
        IGrainContext grainContext, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options);
}

/// <summary>The activation whose turn runs on this thread. Set by its scheduler.</summary>
internal static class RuntimeContext
{
    [ThreadStatic]
    private static IGrainContext? _current;

    public static IGrainContext? Current
    {
        get => _current;
        set => _current = value;
    }
}

/// <summary>A context that knows its runtime, so that a grain needs no services of its own to find it.</summary>
internal interface IGrainRuntimeSource
{
    /// <summary>The runtime.</summary>
    IGrainRuntime Runtime { get; }
}
