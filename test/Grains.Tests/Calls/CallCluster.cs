using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.Engine.Tests;
using VoiceCluster.Grains.Tests.Chats;
using VoiceCluster.Grains.Tests.Media;
using VoiceCluster.Grains.Tests.Users;

namespace VoiceCluster.Grains.Tests.Calls;

/// <summary>A silo with the real grains on a clock that the test moves, over a store that outlives it.</summary>
internal sealed class CallCluster : IAsyncDisposable
{
    private readonly CallStore _store = new();
    private readonly CallReminders _reminders = new();
    private InProcessTestCluster? _cluster;
    private MediaNodeId? _nodeId;
    private InMemoryMediaNode? _node;
    private IMediaNode? _nodeReference;

    public ManualTime Time { get; } = new();

    public CallStore Store => _store;

    public InMemoryChatMessages Messages { get; } = new();

    public CallReminders Reminders => _reminders;

    public IGrainFactory Grains => _cluster!.Client;

    public static async Task<CallCluster> StartAsync()
    {
        CallCluster cluster = new();
        await cluster.DeployAsync();
        return cluster;
    }

    /// <summary>A silo is lost and another one starts; what is stored is all that is left.</summary>
    public async Task RestartAsync()
    {
        await _cluster!.DisposeAsync();
        await DeployAsync();
    }

    public async ValueTask DisposeAsync() => await _cluster!.DisposeAsync();

    public IRoomGrain Room(string name) => Grains.GetGrain<IRoomGrain>(name);

    /// <summary>Starts a media node for rooms; <see cref="BeatAsync"/> keeps it alive when the clock moves.</summary>
    public Task StartNodeAsync()
    {
        _nodeId = new MediaNodeId("node", Guid.NewGuid());
        _node = new InMemoryMediaNode();
        _nodeReference = Grains.CreateObjectReference<IMediaNode>(_node);
        return BeatAsync();
    }

    public async Task BeatAsync() => await Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key)
        .HeartbeatAsync(new MediaNodeHeartbeat(_nodeId!, "http://127.0.0.1:8089", 0, 0, 1_000, 0, false), _nodeReference!);

    public ICallGrain Call(Guid id) => Grains.GetGrain<ICallGrain>(id);

    public async Task<Guid> ChatAsync(params Guid[] members)
    {
        var id = Guid.NewGuid();
        var chat = await Grains.GetGrain<IChatGrain>(id).CreateAsync(members[0], members[1..]);
        Assert.Null(chat.Fault);
        return id;
    }

    /// <summary>Connects a device. The test keeps the observer alive.</summary>
    public async Task<(UserConnection Connection, RecordingUser Seen)> ConnectAsync(Guid userId, string device = "d:phone")
    {
        RecordingUser seen = new();
        UserConnection connection = new(Guid.NewGuid(), device);
        await Grains.GetGrain<IUserGrain>(userId).ConnectAsync(connection, Grains.CreateObjectReference<IUserObserver>(seen));
        return (connection, seen);
    }

    /// <summary>What the device's door does while the connection lives.</summary>
    public Task RenewAsync(Guid userId, (UserConnection Connection, RecordingUser Seen) device) =>
        Grains.GetGrain<IUserGrain>(userId).RenewAsync(device.Connection, Grains.CreateObjectReference<IUserObserver>(device.Seen));

    public Task<Outcome<CallStarted>> TryStartAsync(Guid callId, Guid chatId, Guid caller, params Guid[] recipients) =>
        Call(callId).StartAsync(new StartCall(chatId, caller, recipients, CallType.Voice, new CallOrigin("d:phone", null)));

    public async Task<CallInfo> StartCallAsync(Guid chatId, Guid caller, params Guid[] recipients)
    {
        var started = await TryStartAsync(Guid.NewGuid(), chatId, caller, recipients);
        Assert.Null(started.Fault);
        Assert.NotNull(started.Value!.Call);
        return started.Value.Call;
    }

    public async Task<CallStatus> StatusAsync(Guid callId) => (await Call(callId).FindAsync())!.Status;

    private async Task DeployAsync()
    {
        InProcessTestClusterBuilder builder = new();
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton<TimeProvider>(Time);
            foreach (var name in new[] { GrainStores.Rooms, GrainStores.Calls, GrainStores.Chats, GrainStores.Users })
            {
                silo.Services.AddKeyedSingleton<IGrainStorage>(name, _store);
            }

            silo.Services.AddSingleton<ICallHistory>(_store);
            silo.Services.AddSingleton<IChatMessageStore>(Messages);
            silo.Services.AddSingleton<IReminderTable>(_reminders);
            silo.AddReminders();
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }
}

/// <summary>A store in memory that can be away, and counts what calls wrote.</summary>
internal sealed class CallStore : IGrainStorage, ICallHistory
{
    private readonly MemoryGrainStorage _inner = new();

    public bool IsAway { get; set; }

    /// <summary>It refuses writes, but can be read.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>Set, the next write of a call is committed, but its writer hears that the store is away; then it is away.</summary>
    public bool LosesNextAnswer { get; set; }

    /// <summary>Calls that were taken in from elsewhere.</summary>
    public ConcurrentQueue<CallInfo> Imported { get; } = [];

    /// <summary>Every state of a call that was committed, in order.</summary>
    public ConcurrentQueue<CallInfo> Commits { get; } = [];

    /// <summary>For each of them the types of the events that the same write carried.</summary>
    public ConcurrentQueue<string[]> Events { get; } = [];

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => IsAway
        ? throw new IOException("The store is away.")
        : _inner.ReadStateAsync(stateName, grainId, grainState);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        if (IsAway || IsReadOnly)
        {
            throw new IOException("The store is away.");
        }

        await _inner.WriteStateAsync(stateName, grainId, grainState);
        if (grainState.State is Grains.Calls.CallState { Call: { } call } state)
        {
            Commits.Enqueue(call);
            Events.Enqueue([.. state.PendingEvents.Select(e => e.Type)]);
            if (LosesNextAnswer)
            {
                (LosesNextAnswer, IsAway) = (false, true);
                throw new IOException("The store went away.");
            }
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        _inner.ClearStateAsync(stateName, grainId, grainState);

    public Task<Outcome<CallPage>> ReadAsync(Guid chatId, CallPageRequest page, CancellationToken cancellationToken)
    {
        var calls = Imported.Concat(Commits).Where(c => c.ChatId == chatId).GroupBy(c => c.Id).Select(g => g.MaxBy(c => c.Version)!)
            .OrderByDescending(c => c.CreatedAt).ThenByDescending(c => c.Id).ToArray();
        var first = page.BeforeCall is { } before ? Array.FindIndex(calls, c => c.Id == before) + 1 : 0;
        CallInfo[] found = [.. calls.Skip(first).Where(c => page.BeforeTime is not { } time || c.CreatedAt < time).Take(page.Limit + 1)];
        return Task.FromResult<Outcome<CallPage>>(new CallPage([.. found.Take(page.Limit)], found.Length > page.Limit));
    }

    public Task ImportAsync(IReadOnlyList<CallInfo> calls, CancellationToken cancellationToken)
    {
        foreach (var call in calls)
        {
            Imported.Enqueue(call);
        }

        return Task.CompletedTask;
    }
}

/// <summary>Reminders that outlive a silo.</summary>
internal sealed class CallReminders : IReminderTable
{
    private readonly ConcurrentDictionary<(GrainId, string), ReminderEntry> _rows = new();
    private int _version;

    public int Count => _rows.Count;

    public Task<ReminderTableData> ReadRows(GrainId grainId) =>
        Task.FromResult(new ReminderTableData(_rows.Values.Where(r => r.GrainId == grainId)));

    public Task<ReminderTableData> ReadRows(uint begin, uint end) => Task.FromResult(new ReminderTableData(_rows.Values));

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        Task.FromResult(_rows.GetValueOrDefault((grainId, reminderName)));

    public Task<string> UpsertRow(ReminderEntry entry)
    {
        entry.ETag = Interlocked.Increment(ref _version).ToString(System.Globalization.CultureInfo.InvariantCulture);
        _rows[(entry.GrainId, entry.ReminderName)] = entry;
        return Task.FromResult(entry.ETag);
    }

    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) =>
        Task.FromResult(_rows.TryRemove((grainId, reminderName), out _));

    public Task TestOnlyClearTable()
    {
        _rows.Clear();
        return Task.CompletedTask;
    }
}
