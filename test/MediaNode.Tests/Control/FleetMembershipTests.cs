using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.MediaNode.Control;

namespace VoiceCluster.MediaNode.Tests.Control;

public sealed class FleetMembershipTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Heartbeats_AfterFailures_RegisterAndAtTheEndLeave()
    {
        await using var node = await NodeFixture.StartAsync();
        await node.RunAsync<RoomOpened>(new OpenRoom());
        var (cluster, fleet) = FleetProxy.Create(failures: 1);
        using var membership = new FleetMembership(
            cluster,
            node.Control,
            node.Runtime,
            node.Identity,
            Options.Create(new MediaNodeOptions { MaxConsumersPerNode = 77 }),
            TimeProvider.System,
            NullLogger<FleetMembership>.Instance);
        Assert.False(membership.Check().IsReady);

        await membership.StartAsync(CancellationToken.None);
        await fleet.Failed.Task.WaitAsync(Deadline);
        Assert.False(membership.Check().IsReady);
        await fleet.Second.Task.WaitAsync(Deadline);
        Assert.True(membership.Check().IsReady);

        Assert.Equal(["r"], fleet.Rooms ?? []);

        var heartbeat = fleet.Heartbeats.First();
        Assert.Equal((node.Identity.Id, 77, false), (heartbeat.Node, heartbeat.MaxConsumers, heartbeat.Draining));
        Assert.Equal("http://127.0.0.1:8089", heartbeat.ControlUrl);

        await membership.StopAsync(CancellationToken.None);
        Assert.Equal(node.Identity.Id, fleet.Left);
        Assert.False(membership.Check().IsReady);
    }

    /// <summary>The fleet that goes to another silo, and a silo that is lost, do not cost the rooms the rest of a second.</summary>
    [Theory]
    [InlineData("the fleet moves")]
    [InlineData("a silo is lost")]
    public async Task Heartbeat_FleetMayHaveForgotten_ComesBeforeItsTime(string why)
    {
        await using var node = await NodeFixture.StartAsync();
        var (cluster, fleet) = FleetProxy.Create(failures: 0);
        using var membership = new FleetMembership(
            cluster, node.Control, node.Runtime, node.Identity, Options.Create(new MediaNodeOptions()), new NoTicks(), NullLogger<FleetMembership>.Instance);
        await membership.StartAsync(CancellationToken.None);
        await fleet.First.Task.WaitAsync(Deadline);

        if (why == "the fleet moves")
        {
            await node.Control.FleetMovesAsync();
        }
        else
        {
            membership.BeatNow();
        }

        await fleet.Second.Task.WaitAsync(Deadline);
        await membership.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Stopping_RoomsMoveElsewhere_WaitsForTheirTransportsAndNoLonger()
    {
        await using var node = await NodeFixture.StartAsync();
        await node.RunAsync<RoomOpened>(new OpenRoom());
        await node.RunAsync<TransportOpened>(new CreateWebRtcTransport("t", "alice"));
        var (cluster, fleet) = FleetProxy.Create(failures: 0);
        using var membership = new FleetMembership(
            cluster,
            node.Control,
            node.Runtime,
            node.Identity,
            Options.Create(new MediaNodeOptions { DrainTimeout = TimeSpan.FromSeconds(6) }),
            TimeProvider.System,
            NullLogger<FleetMembership>.Instance);
        await membership.StartAsync(CancellationToken.None);
        await fleet.Second.Task.WaitAsync(Deadline);

        var stopping = membership.StoppingAsync(CancellationToken.None);
        await fleet.Drained.Task.WaitAsync(Deadline);
        Assert.False(membership.Check().IsReady);
        Assert.Null(fleet.Left);
        Assert.False(stopping.IsCompleted);

        // The client has followed its room: nothing holds the node any more.
        await node.RunAsync<MediaDone>(new CloseTransport("t"));
        await stopping.WaitAsync(Deadline);
        await membership.StopAsync(CancellationToken.None);
        Assert.Equal(node.Identity.Id, fleet.Left);
    }

    /// <summary>A clock whose timers never fire.</summary>
    private sealed class NoTicks : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Stands for the cluster client and for the fleet's grain.</summary>
    public class FleetProxy : DispatchProxy
    {
        private int _failures;
        private IMediaFleetGrain? _grain;
        private FleetProxy? _state;

        public ConcurrentQueue<MediaNodeHeartbeat> Heartbeats { get; } = [];

        public TaskCompletionSource Failed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Done when a heartbeat has come.</summary>
        public TaskCompletionSource First { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Done when a heartbeat after the first taken one comes: by then the first has been answered.</summary>
        public TaskCompletionSource Second { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Done when the node says that it is about to stop.</summary>
        public TaskCompletionSource Drained { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public MediaNodeId? Left { get; private set; }

        /// <summary>What the node has stated after the heartbeat by which the fleet learned of it.</summary>
        public string[]? Rooms { get; private set; }

        public static (IClusterClient Cluster, FleetProxy State) Create(int failures)
        {
            var grain = Create<IMediaFleetGrain, FleetProxy>();
            var state = (FleetProxy)(object)grain;
            state._failures = failures;
            state._state = state;
            var cluster = Create<IClusterClient, FleetProxy>();
            ((FleetProxy)(object)cluster)._grain = grain;
            return (cluster, state);
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            "GetGrain" => _grain,
            "CreateObjectReference" => args![0],
            nameof(IMediaFleetGrain.HeartbeatAsync) => _state!.Heartbeat((MediaNodeHeartbeat)args![0]!),
            nameof(IMediaFleetGrain.StateRoomsAsync) => _state!.State((string[])args![1]!),
            nameof(IMediaFleetGrain.DrainAsync) => _state!.Drain(),
            nameof(IMediaFleetGrain.LeaveAsync) => _state!.Leave((MediaNodeId)args![0]!),
            _ => throw new NotSupportedException(targetMethod.Name),
        };

        private Task<bool> Heartbeat(MediaNodeHeartbeat heartbeat)
        {
            if (_failures-- > 0)
            {
                Failed.TrySetResult();
                return Task.FromException<bool>(new TimeoutException("The cluster is away."));
            }

            Heartbeats.Enqueue(heartbeat);
            First.TrySetResult();
            if (Heartbeats.Count >= 2)
            {
                Second.TrySetResult();
            }

            return Task.FromResult(Heartbeats.Count == 1);
        }

        private Task State(string[] rooms)
        {
            Rooms = rooms;
            return Task.CompletedTask;
        }

        private Task<int> Drain()
        {
            Drained.TrySetResult();
            return Task.FromResult(1);
        }

        private Task Leave(MediaNodeId node)
        {
            Left = node;
            return Task.CompletedTask;
        }
    }
}
