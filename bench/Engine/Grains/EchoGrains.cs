namespace VoiceCluster.Bench.Engine.Grains;

/// <summary>A small message of 32 characters.</summary>
[GenerateSerializer, Immutable, Alias("bench.Echo")]
public sealed record Echo([property: Id(0)] string Text, [property: Id(1)] int Number);

/// <summary>Answers what it is told.</summary>
public interface IEchoGrain : IGrainWithIntegerKey
{
    /// <summary>Answers the same.</summary>
    Task<Echo> EchoAsync(Echo echo);

    /// <summary>The id of the process that it lives in.</summary>
    Task<int> WhereAsync();

    /// <summary>Answers after a while.</summary>
    [ResponseTimeout("00:00:30")]
    Task<int> WaitAsync(TimeSpan time);
}

/// <summary>The same with a state that is stored.</summary>
public interface IStoredGrain : IGrainWithIntegerKey
{
    /// <summary>Answers the same.</summary>
    Task<Echo> EchoAsync(Echo echo);
}

/// <inheritdoc cref="IEchoGrain"/>
public sealed class EchoGrain : Grain, IEchoGrain
{
    private int _calls;

    /// <inheritdoc/>
    public Task<Echo> EchoAsync(Echo echo)
    {
        _calls++;
        return Task.FromResult(echo);
    }

    /// <inheritdoc/>
    public Task<int> WhereAsync() => Task.FromResult(Environment.ProcessId);

    /// <inheritdoc/>
    public async Task<int> WaitAsync(TimeSpan time)
    {
        await Task.Delay(time);
        return _calls;
    }
}

/// <inheritdoc cref="IStoredGrain"/>
public sealed class StoredGrain([PersistentState("echo")] IPersistentState<EchoState> state) : Grain, IStoredGrain
{
    /// <inheritdoc/>
    public Task<Echo> EchoAsync(Echo echo)
    {
        state.State.Calls++;
        return Task.FromResult(echo);
    }
}

/// <summary>What <see cref="StoredGrain"/> keeps.</summary>
[GenerateSerializer, Alias("bench.EchoState")]
public sealed class EchoState
{
    /// <summary>How often it was called.</summary>
    [Id(0)]
    public int Calls { get; set; }
}
