namespace VoiceCluster.Faults.Grains;

/// <summary>What a grain answers: its value, and which activation on which silo said so.</summary>
[GenerateSerializer, Immutable, Alias("faults.Reading")]
#if NEXT_BUILD
public sealed record Reading(
    [property: Id(3)] Build? Build, [property: Id(0)] long Value, [property: Id(1)] Guid Activation, [property: Id(2)] string Silo);

/// <summary>What the next build says beside the value.</summary>
[GenerateSerializer, Immutable, Alias("faults.Build")]
public sealed record Build([property: Id(0)] string Name, [property: Id(1)] long[] Numbers);
#else
public sealed record Reading([property: Id(0)] long Value, [property: Id(1)] Guid Activation, [property: Id(2)] string Silo);
#endif

/// <summary>A stored number.</summary>
[GenerateSerializer, Alias("faults.Number")]
public sealed class Number
{
#if NEXT_BUILD
    /// <summary>What the next build stores beside the number.</summary>
    [Id(1)]
    public string? WrittenBy { get; set; }

#endif
    /// <summary>The number.</summary>
    [Id(0)]
    public long Value { get; set; }
}

/// <summary>What the two kinds of grains have in common.</summary>
[Alias("faults.INumberGrain")]
public interface INumberGrain : IGrainWithStringKey
{
#if NEXT_BUILD
    /// <summary>Before the others, which must keep their places: what the next build can be asked.</summary>
    Task<Reading> ReadBuildAsync(Build asker);

#endif
    /// <summary>The value in memory.</summary>
    Task<Reading> ReadAsync();

    /// <summary>The value that the store has.</summary>
    Task<Reading> ReadStoredAsync();
}

/// <summary>A number that grows by one.</summary>
[Alias("faults.ICounterGrain")]
public interface ICounterGrain : INumberGrain
{
    /// <summary>Adds one; answers the sum once it is stored.</summary>
    Task<Reading> IncrementAsync();
}

/// <summary>A number that is set.</summary>
[Alias("faults.IRegisterGrain")]
public interface IRegisterGrain : INumberGrain
{
    /// <summary>Sets it; answers once it is stored.</summary>
    Task<Reading> WriteAsync(long value);
}

/// <summary>A number that is answered from memory and stored before a change is acknowledged, as the states of calls and chats are.</summary>
public abstract class NumberGrain(IPersistentState<Number> state, IGrainRuntime runtime) : Grain, INumberGrain
{
    private readonly Guid _activation = Guid.NewGuid();

#if NEXT_BUILD
    /// <inheritdoc/>
    public Task<Reading> ReadBuildAsync(Build asker) => Task.FromResult(Now() with { Build = asker });

#endif
    /// <inheritdoc/>
    public Task<Reading> ReadAsync() => Task.FromResult(Now());

    /// <inheritdoc/>
    public async Task<Reading> ReadStoredAsync()
    {
        await state.ReadStateAsync();
        return Now();
    }

    /// <summary>Stores a value. When that fails nobody knows what the store has, so that the activation ends.</summary>
    protected async Task<Reading> StoreAsync(Func<long, long> next)
    {
        var before = state.State;
#if NEXT_BUILD
        state.State = new Number { Value = next(before.Value), WrittenBy = runtime.SiloIdentity };
#else
        state.State = new Number { Value = next(before.Value) };
#endif
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            state.State = before;
            DeactivateOnIdle();
            throw;
        }

        return Now();
    }

#if NEXT_BUILD
    private Reading Now() => new(new Build(runtime.SiloIdentity, [state.State.Value]), state.State.Value, _activation, runtime.SiloIdentity);
#else
    private Reading Now() => new(state.State.Value, _activation, runtime.SiloIdentity);
#endif
}

/// <inheritdoc cref="ICounterGrain"/>
public sealed class CounterGrain([PersistentState("number", FaultStore.Name)] IPersistentState<Number> state, IGrainRuntime runtime)
    : NumberGrain(state, runtime), ICounterGrain
{
    /// <inheritdoc/>
    public Task<Reading> IncrementAsync() => StoreAsync(static v => v + 1);
}

/// <inheritdoc cref="IRegisterGrain"/>
public sealed class RegisterGrain([PersistentState("number", FaultStore.Name)] IPersistentState<Number> state, IGrainRuntime runtime)
    : NumberGrain(state, runtime), IRegisterGrain
{
    /// <inheritdoc/>
    public Task<Reading> WriteAsync(long value) => StoreAsync(_ => value);
}

/// <summary>Where the numbers are stored.</summary>
public static class FaultStore
{
    /// <summary>The store's name.</summary>
    public const string Name = "faults";
}
