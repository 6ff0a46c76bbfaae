using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Rooms;
using VoiceCluster.Grains.Tests.Media;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>Rooms whose store is away: they let people in all the same, and write when it is back.</summary>
public sealed class RoomStoreTests : IAsyncLifetime
{
    private readonly RoomStore _store = new();
    private readonly InMemoryMediaNode _node = new();
    private readonly RecordingObserver _observer = new();
    private InProcessTestCluster? _cluster;
    private IMediaNode? _nodeReference;

    public async Task InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder();
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddKeyedSingleton<IGrainStorage>(GrainStores.Rooms, _store);
            silo.AddMemoryGrainStorage(GrainStores.Channels);
            silo.AddMemoryGrainStorage(GrainStores.VoiceSessions);
            silo.UseInMemoryReminderService();
            silo.Services.AddSingleton(TimeProvider.System);
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
        _nodeReference = _cluster.Client.CreateObjectReference<IMediaNode>(_node);
        await _cluster.Client.GetGrain<IMediaFleetGrain>(MediaFleet.Key).HeartbeatAsync(
            new MediaNodeHeartbeat(new MediaNodeId("node", Guid.NewGuid()), "http://127.0.0.1:8089", 0, 0, 1_000, 0, false), _nodeReference);
    }

    public async Task DisposeAsync()
    {
        _store.Recover();
        await _cluster!.StopAllSilosAsync();
        await _cluster.DisposeAsync();
    }

    [Theory]
    [InlineData(StoreFailure.Refuses)]
    [InlineData(StoreFailure.Hangs)]
    [InlineData(StoreFailure.DoesItAndFails)]
    public async Task Join_WhileTheStoreIsAway_IsTakenAndStoredAfterwards(StoreFailure failure)
    {
        var room = await JoinAsync("alice");
        await Eventually.HoldsAsync(() => _store.Stored("room").SequenceEqual(["alice"]), "the first state in the store");

        _store.Fail(failure);
        foreach (var name in (string[])["bob", "carol"])
        {
            await JoinAsync(name);
        }

        // Nobody waits for a write that hangs: with the store as it is, both answers have come.
        Assert.Equal(["alice", "bob", "carol"], (await room.GetSnapshotAsync()).Participants.Select(p => p.ParticipantId));

        _store.Recover();
        await Eventually.HoldsAsync(() => _store.Stored("room").SequenceEqual(["alice", "bob", "carol"]), "all of them in the store");
        await room.LeaveAsync("bob", LeaveReason.Left);
        await Eventually.HoldsAsync(() => _store.Stored("room").SequenceEqual(["alice", "carol"]), "the leaving in the store");
        Assert.Equal(["alice", "carol"], (await room.GetSnapshotAsync()).Participants.Select(p => p.ParticipantId));
        Assert.Empty(_observer.Events.OfType<MediaMoved>());
    }

    [Fact]
    public async Task LastLeave_ClearsTheStore()
    {
        var room = await JoinAsync("alice");
        await Eventually.HoldsAsync(() => _store.Stored("room").Length == 1, "the state in the store");
        await room.LeaveAsync("alice", LeaveReason.Left);
        await Eventually.HoldsAsync(() => _store.Stored("room").Length == 0, "the empty store");
        await JoinAsync("bob");
        Assert.Equal(["bob"], (await room.GetSnapshotAsync()).Participants.Select(p => p.ParticipantId));
    }

    private async Task<IRoomGrain> JoinAsync(string name)
    {
        var room = _cluster!.Client.GetGrain<IRoomGrain>("room");
        var joined = await room.JoinAsync(
            new JoinRoom(name, Guid.NewGuid(), name, name, "test"), _cluster.Client.CreateObjectReference<IRoomObserver>(_observer));
        Assert.Null(joined.Fault);
        return room;
    }

    /// <summary>A store in memory that can fail as databases do.</summary>
    private sealed class RoomStore : IGrainStorage
    {
        private readonly MemoryGrainStorage _inner = new();
        private readonly ConcurrentDictionary<string, string[]> _stored = new();
        private volatile TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile StoreFailure _failure;

        public string[] Stored(string room) => _stored.GetValueOrDefault(room, []);

        public void Fail(StoreFailure failure) => _failure = failure;

        public void Recover()
        {
            _failure = StoreFailure.None;
            _recovered.TrySetResult();
        }

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            _failure == StoreFailure.None
                ? _inner.ReadStateAsync(stateName, grainId, grainState)
                : throw new OrleansException("The store is away.");

        public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            string[] members = [.. ((RoomState)(object)grainState.State!).Participants.Select(p => p.Info.ParticipantId)];
            switch (_failure)
            {
                case StoreFailure.Refuses:
                    throw new OrleansException("The store is away.");
                case StoreFailure.Hangs:
                    await _recovered.Task;
                    throw new OrleansException("The store did not answer.");
                case StoreFailure.DoesItAndFails:
                    // The commit arrived and its answer did not: the row has an ETag that the grain does not know.
                    await _inner.WriteStateAsync(stateName, grainId, new GrainState<T>(grainState.State) { ETag = grainState.ETag, RecordExists = grainState.RecordExists });
                    throw new OrleansException("The connection broke.");
                default:
                    await _inner.WriteStateAsync(stateName, grainId, grainState);
                    _stored[grainId.Key.ToString()!] = members;
                    break;
            }
        }

        public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            await _inner.ClearStateAsync(stateName, grainId, grainState);
            _stored.TryRemove(grainId.Key.ToString()!, out _);
        }
    }
}

/// <summary>How a store fails.</summary>
public enum StoreFailure
{
    None,
    Refuses,
    Hangs,
    DoesItAndFails,
}
