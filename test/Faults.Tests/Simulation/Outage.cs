namespace VoiceCluster.Faults.Tests.Simulation;

/// <summary>How a server fails.</summary>
internal enum OutageKind
{
    Fails,
    Hangs,
    Forgets,
}

/// <summary>The faults of one server, as each silo meets them, and the way to it and back.</summary>
internal sealed class Outage(string server, TimeProvider time)
{
    private static readonly TimeSpan Way = TimeSpan.FromMilliseconds(1);

    private readonly Lock _lock = new();
    private readonly List<(OutageKind Kind, string? Silo)> _faults = [];
    private readonly HashSet<string> _dead = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>It fails for one silo, or for all.</summary>
    public void Begin(OutageKind kind, string? silo)
    {
        lock (_lock)
        {
            _faults.Add((kind, silo));
        }
    }

    /// <summary>One such fault is over.</summary>
    public void End(OutageKind kind, string? silo)
    {
        lock (_lock)
        {
            _faults.Remove((kind, silo));
        }

        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    /// <summary>A silo that has ended asks for nothing more; what is on its way comes all the same.</summary>
    public void Bury(string silo)
    {
        lock (_lock)
        {
            _dead.Add(silo);
        }
    }

    /// <summary>Asks the server.</summary>
    public async Task AskAsync(string silo, Func<Task> work) => await AskAsync(silo, async () =>
    {
        await work();
        return true;
    });

    /// <inheritdoc cref="AskAsync(string, Func{Task})"/>
    public async Task<T> AskAsync<T>(string silo, Func<Task<T>> work)
    {
        lock (_lock)
        {
            if (_dead.Contains(silo))
            {
                throw new IOException($"{silo} has ended.");
            }
        }

        await Task.Delay(Way, time);
        while (Now(silo) == OutageKind.Hangs)
        {
            var changed = Volatile.Read(ref _changed).Task;
            if (Now(silo) == OutageKind.Hangs)
            {
                await changed;
            }
        }

        if (Now(silo) == OutageKind.Fails)
        {
            throw new IOException($"{server} is away.");
        }

        var result = await work();
        await Task.Delay(Way, time);
        return Now(silo) == OutageKind.Forgets ? throw new IOException($"{server} went away before it answered.") : result;
    }

    private OutageKind? Now(string silo)
    {
        lock (_lock)
        {
            foreach (var (kind, struck) in _faults)
            {
                if (struck is null || struck == silo)
                {
                    return kind;
                }
            }

            return null;
        }
    }
}

/// <summary>The membership table as one silo meets it.</summary>
internal sealed class FaultyTable(IMembershipTable table, Outage outage, string silo) : IMembershipTable
{
    public Task InitializeMembershipTable(bool tryInitTableVersion) => outage.AskAsync(silo, () => table.InitializeMembershipTable(tryInitTableVersion));

    public Task DeleteMembershipTableEntries(string clusterId) => outage.AskAsync(silo, () => table.DeleteMembershipTableEntries(clusterId));

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => outage.AskAsync(silo, () => table.CleanupDefunctSiloEntries(beforeDate));

    public Task<MembershipTableData> ReadRow(SiloAddress key) => outage.AskAsync(silo, () => table.ReadRow(key));

    public Task<MembershipTableData> ReadAll() => outage.AskAsync(silo, table.ReadAll);

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => outage.AskAsync(silo, () => table.InsertRow(entry, tableVersion));

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) =>
        outage.AskAsync(silo, () => table.UpdateRow(entry, etag, tableVersion));

    public Task UpdateIAmAlive(MembershipEntry entry) => outage.AskAsync(silo, () => table.UpdateIAmAlive(entry));
}

/// <summary>The store as one silo meets it.</summary>
internal sealed class FaultyStorage(Orleans.Storage.IGrainStorage store, Outage outage, string silo) : Orleans.Storage.IGrainStorage
{
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        // The server reads; what it read comes only when it answers.
        var read = new GrainState<T>();
        await outage.AskAsync(silo, () => store.ReadStateAsync(stateName, grainId, read));
        (grainState.State, grainState.ETag, grainState.RecordExists) = (read.State, read.ETag, read.RecordExists);
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var written = new GrainState<T>(grainState.State) { ETag = grainState.ETag, RecordExists = grainState.RecordExists };
        await outage.AskAsync(silo, () => store.WriteStateAsync(stateName, grainId, written));
        (grainState.ETag, grainState.RecordExists) = (written.ETag, written.RecordExists);
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        outage.AskAsync(silo, () => store.ClearStateAsync(stateName, grainId, grainState));
}
