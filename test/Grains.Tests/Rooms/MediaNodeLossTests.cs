using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>Media nodes that die, restart and come back, seen from the rooms.</summary>
public sealed class MediaNodeLossTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    [Fact]
    public async Task NodeRestart_MovesTheRoomToTheNewIncarnation_AndTellsTheClients()
    {
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
}
