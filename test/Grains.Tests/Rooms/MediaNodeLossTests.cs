using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>Media nodes that die, restart and come back, seen from the rooms.</summary>
public sealed class MediaNodeLossTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private readonly RecordingObserver _observer = new();

    [Fact]
    public async Task NodeRestart_MovesTheRoomToTheNewIncarnation_AndTellsTheClients()
    {
        await cluster.FleetSettlesAsync();
        var room = cluster.Room();
        var observer = new RecordingObserver();
        await room.JoinAsync(
            new JoinRoom("alice", Guid.NewGuid(), "alice", "alice", "test"), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        var transport = (await room.CreateTransportAsync("alice")).Value!.TransportId;
        await room.ProduceAsync("alice", new ProduceRequest(transport, MediaKind.Audio, "{}"));

        var restarted = cluster.StartNode("first");

        await Eventually.HoldsAsync(() => observer.Events.OfType<MediaMoved>().Any(), "media-moved");
        Assert.NotNull(restarted.Find(room.GetPrimaryKeyString()));
        var snapshot = await room.GetSnapshotAsync();
        Assert.Equal(["alice"], snapshot.Participants.Select(p => p.ParticipantId));
        Assert.Empty(snapshot.Producers);
        Assert.NotNull((await room.CreateTransportAsync("alice")).Value);
    }

    [Fact]
    public async Task NodeDeath_WithASecondNode_MovesTheRoomThere()
    {
        cluster.StartNode("doomed");
        var fleet = cluster.Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key);
        await Eventually.HoldsAsync(async () => (await fleet.ListAsync()).Any(n => n.Node.Name == "doomed"), "the second node");

        // Rooms spread evenly over equal nodes, so one of a few is on the doomed node.
        var observer = new RecordingObserver();
        var reference = cluster.Grains.CreateObjectReference<IRoomObserver>(observer);
        IRoomGrain room;
        do
        {
            room = cluster.Room();
            await room.JoinAsync(new JoinRoom("bob", Guid.NewGuid(), "bob", "bob", "test"), reference);
        }
        while ((await room.GetSnapshotAsync()).MediaNodeId != "doomed");

        cluster.KillNode("doomed");

        await Eventually.HoldsAsync(() => observer.Events.OfType<MediaMoved>().Any(), "media-moved");
        Assert.Equal("first", (await room.GetSnapshotAsync()).MediaNodeId);
    }

    [Fact]
    public async Task LostReplyOfATransport_IsCleanedUp_WithoutAnotherRequest()
    {
        var node = cluster.StartNode("first");
        var (room, name) = await JoinAsync("carol");
        node.LosesReplies = true;
        Assert.Equal(FaultCode.Unavailable, (await room.CreateTransportAsync("carol")).Fault?.Code);
        Assert.Single(node.Find(name)!.Transports);

        node.LosesReplies = false;

        // Nobody was told of the transport, so the maintenance must not adopt it.
        await Eventually.HoldsAsync(() => node.Find(name) is { Transports.Count: 0 }, "the end of the transport");
    }

    [Fact]
    public async Task LostReplyOfTheClosing_IsRepeated_UntilTheNodeHasNoRoom()
    {
        var node = cluster.StartNode("first");
        var (room, name) = await JoinAsync("dave");
        await room.CreateTransportAsync("dave");

        // Lost before it was executed: the room and its transport are still there.
        node.DropsCommands = true;
        Assert.Null((await room.LeaveAsync("dave", LeaveReason.Left)).Fault);
        Assert.Single(node.Find(name)!.Transports);

        node.DropsCommands = false;
        await Eventually.HoldsAsync(() => node.Find(name) is null, "the room's end at the node");
    }

    private async Task<(IRoomGrain Room, string Name)> JoinAsync(string participant)
    {
        await cluster.FleetSettlesAsync();
        var room = cluster.Room();
        var observer = cluster.Grains.CreateObjectReference<IRoomObserver>(_observer);
        var joined = await room.JoinAsync(new JoinRoom(participant, Guid.NewGuid(), participant, participant, "test"), observer);
        Assert.Null(joined.Fault);
        await Eventually.HoldsAsync(() => cluster.Node("first").Find(room.GetPrimaryKeyString()) is not null, "the room at the node");
        return (room, room.GetPrimaryKeyString());
    }
}
