using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Tests.Media;

namespace VoiceCluster.Grains.Tests;

/// <summary>A cluster with the real grains and media nodes in memory that send heartbeats while the fixture lives.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, (MediaNodeId Id, InMemoryMediaNode Node, IMediaNode Reference)> _nodes = [];
    private readonly Lock _lock = new();
    private TestCluster? _cluster;
    private Task _heartbeats = Task.CompletedTask;

    public IGrainFactory Grains => _cluster!.GrainFactory;

    public async Task InitializeAsync()
    {
        var builder = new TestClusterBuilder(1);
        builder.AddSiloBuilderConfigurator<SiloConfiguration>();
        _cluster = builder.Build();
        await _cluster.DeployAsync();
        StartNode("first");
        _heartbeats = SendHeartbeatsAsync();
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _heartbeats;
        await _cluster!.StopAllSilosAsync();
        await _cluster.DisposeAsync();
        _stop.Dispose();
    }

    internal InMemoryMediaNode Node(string name)
    {
        lock (_lock)
        {
            return _nodes[name].Node;
        }
    }

    /// <summary>A node's present incarnation.</summary>
    internal MediaNodeId NodeId(string name)
    {
        lock (_lock)
        {
            return _nodes[name].Id;
        }
    }

    /// <summary>Waits until the fleet knows a node's present incarnation and no node that has been killed.</summary>
    internal Task FleetSettlesAsync() => Eventually.HoldsAsync(
        async () =>
        {
            var known = (await Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key).ListAsync()).Select(n => n.Node).ToHashSet();
            lock (_lock)
            {
                return known.SetEquals(_nodes.Values.Select(n => n.Id));
            }
        },
        "the fleet knows the nodes that live");

    /// <summary>Starts a media node, or starts it again with a new incarnation that knows nothing.</summary>
    internal InMemoryMediaNode StartNode(string name)
    {
        var node = new InMemoryMediaNode();
        var reference = Grains.CreateObjectReference<IMediaNode>(node);
        lock (_lock)
        {
            _nodes[name] = (new MediaNodeId(name, Guid.NewGuid()), node, reference);
        }

        return node;
    }

    /// <summary>Stops a media node's heartbeats, as its death does.</summary>
    internal void KillNode(string name)
    {
        lock (_lock)
        {
            _nodes.Remove(name);
        }
    }

    /// <summary>Removes every idle activation, as time does.</summary>
    internal Task CollectAsync() => Grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);

    internal IRoomGrain Room() => Grains.GetGrain<IRoomGrain>($"room-{Guid.NewGuid():N}");

    private async Task SendHeartbeatsAsync()
    {
        var fleet = Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        do
        {
            (MediaNodeId Id, InMemoryMediaNode Node, IMediaNode Reference)[] nodes;
            lock (_lock)
            {
                nodes = [.. _nodes.Values];
            }

            foreach (var (id, node, reference) in nodes)
            {
                await fleet.HeartbeatAsync(
                    new MediaNodeHeartbeat(id, "http://127.0.0.1:8089", 0, node.ConsumerCount, node.MaxConsumers, 0, false), reference);
            }
        }
        while (!_stop.IsCancellationRequested && await timer.WaitForNextTickAsync(CancellationToken.None));
    }

    private sealed class SiloConfiguration : ISiloConfigurator
    {
        public void Configure(ISiloBuilder siloBuilder)
        {
            foreach (var name in new[] { GrainStores.Rooms, GrainStores.Channels, GrainStores.Users, GrainStores.VoiceSessions, GrainStores.Peers, GrainStores.CallSessions, GrainStores.Recordings })
            {
                siloBuilder.AddMemoryGrainStorage(name);
            }

            siloBuilder.UseInMemoryReminderService();
            siloBuilder.Services.AddSingleton(TimeProvider.System);
            siloBuilder.Services.AddSingleton<Abstractions.Events.IEventPublisher>(Events.RecordingEvents.Shared);
            siloBuilder.Services.Configure<Grains.Rooms.RoomOptions>(o => (o.MaxParticipants, o.TopSpeakers) = (4, 7));
        }
    }
}
