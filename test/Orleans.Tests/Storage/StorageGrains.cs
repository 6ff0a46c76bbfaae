namespace VoiceCluster.Engine.Tests.Storage;

[GenerateSerializer]
public sealed class Saved
{
    [Id(0)]
    public int Number { get; set; }

    [Id(1)]
    public List<string> Names { get; set; } = [];
}

public interface ISavedGrain : IGrainWithStringKey
{
    Task WriteAsync(int number);

    /// <summary>Writes without telling the caller of a conflict.</summary>
    Task<bool> TryWriteAsync(int number);

    Task<(int Number, bool Exists)> GetAsync();

    Task ClearAsync();

    Task<int> GetSeenAtActivationAsync();

    Task EndAsync();
}

public sealed class SavedGrain([PersistentState("main", "store")] IPersistentState<Saved> state) : Grain, ISavedGrain
{
    private int _seen;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _seen = state.State.Number;
        Probe.Of(this.GetPrimaryKeyString()).Increment();
        return Task.CompletedTask;
    }

    public Task WriteAsync(int number)
    {
        state.State.Number = number;
        state.State.Names.Add($"{number}");
        return state.WriteStateAsync();
    }

    public async Task<bool> TryWriteAsync(int number)
    {
        try
        {
            await WriteAsync(number);
            return true;
        }
        catch (global::Orleans.Storage.InconsistentStateException)
        {
            return false;
        }
    }

    public Task<(int Number, bool Exists)> GetAsync() => Task.FromResult((state.State.Number, state.RecordExists));

    public Task ClearAsync() => state.ClearStateAsync();

    public Task<int> GetSeenAtActivationAsync() => Task.FromResult(_seen);

    public Task EndAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}

public interface IOldStyleGrain : IGrainWithStringKey
{
    Task<int> AddAsync(int number, bool end);
}

public sealed class OldStyleGrain : Grain<Saved>, IOldStyleGrain
{
    public async Task<int> AddAsync(int number, bool end)
    {
        State.Number += number;
        await WriteStateAsync();
        if (end)
        {
            DeactivateOnIdle();
        }

        return State.Number;
    }
}

public interface IMisconfiguredGrain : IGrainWithStringKey
{
    Task PingAsync();
}

public sealed class MisconfiguredGrain([PersistentState("main", "absent")] IPersistentState<Saved> state) : Grain, IMisconfiguredGrain
{
    public Task PingAsync() => Task.FromResult(state.State);
}
