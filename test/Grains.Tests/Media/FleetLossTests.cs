using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Media;

namespace VoiceCluster.Grains.Tests.Media;

/// <summary>What the rooms of a media node that is gone are told, and when. The clock moves only when a test lets it.</summary>
public sealed class FleetLossTests : IAsyncLifetime
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly InProcessTestCluster _cluster;
    private readonly ConcurrentQueue<string> _told = [];
    private readonly ConcurrentDictionary<string, int> _failures = [];
    private readonly TaskCompletionSource _hang = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FakeWatch _watch = new();
    private readonly TestClock _clock = new();
    private readonly InMemoryMediaNode _node = new();
    private readonly MediaNodeId _gone = new("gone", Guid.NewGuid());
    private IMediaNode? _reference;

    public FleetLossTests()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.TimeProvider = _clock;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddMemoryGrainStorage(GrainStores.Rooms);
            silo.Services.AddSingleton<IMediaNodeWatch>(_watch);
            silo.AddIncomingGrainCallFilter(FilterAsync);
        });
        _cluster = builder.Build();
    }

    private IMediaFleetGrain Fleet => _cluster.Client.GetGrain<IMediaFleetGrain>(MediaFleet.Key);

    public async Task InitializeAsync()
    {
        await _cluster.DeployAsync();
        _reference = _cluster.Client.CreateObjectReference<IMediaNode>(_node);
    }

    public async Task DisposeAsync()
    {
        _hang.TrySetResult();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Node_LeavesAndOneRoomCannotBeTold_OthersMoveAtOnceAndThatOneIsToldAgain()
    {
        await PlaceAsync(_gone, "a", "b", "c");
        _failures["a"] = 2;

        await Fleet.LeaveAsync(_gone);

        // The clock stands still, so nothing is tried again.
        await Eventually.HoldsAsync(() => _told.Count == 2 && _failures["a"] == 1, "two rooms are told and one has failed");
        Assert.Equal(["b", "c"], _told.Order());
        await _clock.RunAsync(() => UntilToldAsync("a"), Step);
        Assert.Equal(0, _failures["a"]);
    }

    [Fact]
    public async Task Node_IsSilentAndOneRoomDoesNotAnswer_OthersMoveAndTheNextLostNodeIsFound()
    {
        var next = new MediaNodeId("next", Guid.NewGuid());
        await PlaceAsync(_gone, "hangs", "b");
        await _clock.RunAsync(() => UntilToldAsync("b"), Step);
        await PlaceAsync(next, "c");

        await _clock.RunAsync(() => UntilToldAsync("c"), Step);

        Assert.Equal(["b", "c"], _told.Order());
    }

    [Fact]
    public async Task Node_IsSilent_ItsRoomsMoveWithinAQuarterOfASecondOfTheLimit()
    {
        await PlaceAsync(_gone, "a");
        var since = _clock.GetTimestamp();

        await _clock.RunAsync(() => UntilToldAsync("a"), Step);

        Assert.InRange(_clock.GetElapsedTime(since), MediaFleet.LostAfter, MediaFleet.LostAfter + TimeSpan.FromMilliseconds(300));
    }

    [Fact]
    public async Task Process_HasEnded_ItsRoomsMoveBeforeItsSilenceCouldBeNoticed()
    {
        await PlaceAsync(_gone, "a", "b");

        // The clock stands still.
        Assert.Single(_watch.Ends).Value();

        await Eventually.HoldsAsync(() => _told.Count == 2, "both rooms are told");
        Assert.Empty(await Fleet.ListAsync());
        Assert.Empty(_watch.Ends);
    }

    [Fact]
    public async Task Watch_OfANode_EndsWhenItLeavesOrStartsAnew()
    {
        await PlaceAsync(_gone, "a");
        Assert.Equal([Url(_gone)], _watch.Ends.Keys);
        await Fleet.LeaveAsync(_gone);
        Assert.Empty(_watch.Ends);

        var first = new MediaNodeId("again", Guid.NewGuid());
        var second = new MediaNodeId("again", Guid.NewGuid());
        await PlaceAsync(first, "b");
        await PlaceAsync(second, "c");
        Assert.Equal([Url(second)], _watch.Ends.Keys);
    }

    private static string Url(MediaNodeId node) => $"http://{node.Incarnation:N}";

    private async Task PlaceAsync(MediaNodeId node, params string[] rooms)
    {
        await Fleet.HeartbeatAsync(new MediaNodeHeartbeat(node, Url(node), 0, 0, 1_000, 0, false), _reference!);
        foreach (var room in rooms)
        {
            Assert.Equal(node, (await Fleet.PlaceAsync(room, null)).Value?.NodeId);
        }
    }

    private async Task UntilToldAsync(string room)
    {
        while (!_told.Contains(room))
        {
            await Task.Delay(Step, _clock);
        }
    }

    /// <summary>Stands before the rooms: notes what they are told, and fails or hangs as a test wants it.</summary>
    private async Task FilterAsync(IIncomingGrainCallContext context)
    {
        if (context.MethodName != nameof(IRoomGrain.MediaNodeLostAsync))
        {
            await context.Invoke();
            return;
        }

        var room = context.TargetId.Key.ToString()!;
        if (room == "hangs")
        {
            await _hang.Task;
        }

        if (_failures.GetValueOrDefault(room) > 0)
        {
            _failures[room]--;
            throw new SiloUnavailableException("The room's silo was lost.");
        }

        await context.Invoke();
        _told.Enqueue(room);
    }

    private sealed class FakeWatch : IMediaNodeWatch
    {
        /// <summary>What is watched, and how its end is told.</summary>
        public ConcurrentDictionary<string, Action> Ends { get; } = [];

        public IDisposable Watch(string controlUrl, Action onEnded)
        {
            Assert.True(Ends.TryAdd(controlUrl, onEnded));
            return new Watching(() => Assert.True(Ends.TryRemove(controlUrl, out _)));
        }

        private sealed class Watching(Action onDispose) : IDisposable
        {
            public void Dispose() => onDispose();
        }
    }
}
