using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>What an application allows on its transports, from the room to the media node.</summary>
public sealed class TransportBitrateTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private readonly RecordingObserver _observer = new();

    [Fact]
    public async Task Bitrate_OfOneTransport_ReachesTheNode_AndLaterTransportsBeginWithIt()
    {
        var (room, first) = await JoinAsync("alice");
        var second = (await room.CreateTransportAsync("alice")).Value!.TransportId;

        Assert.Null((await room.SetTransportBitrateAsync("alice", first, TransportBitrate.MaxOutgoing, 500_000)).Fault);
        Assert.Null((await room.SetTransportBitrateAsync("alice", first, TransportBitrate.MinOutgoing, 100_000)).Fault);
        Assert.Null((await room.SetTransportBitrateAsync("alice", first, TransportBitrate.MaxIncoming, 300_000)).Fault);
        var third = (await room.CreateTransportAsync("alice")).Value!.TransportId;

        var all = new TransportBitrates(500_000, 100_000, 300_000);
        Assert.Equal((all, null, all), (At(room, first), At(room, second), At(room, third)));
        Assert.Null((await room.SetTransportBitrateAsync("alice", first, TransportBitrate.MaxOutgoing, 0)).Fault);
        Assert.Equal((all with { MaxOutgoing = null }, all), (At(room, first), At(room, third)));
    }

    [Theory]
    [InlineData(TransportBitrate.MaxOutgoing, -1)]
    [InlineData(TransportBitrate.MaxOutgoing, 29_999)]
    [InlineData(TransportBitrate.MaxOutgoing, 150_000)]
    [InlineData(TransportBitrate.MinOutgoing, 900_000)]
    [InlineData(TransportBitrate.MaxIncoming, 1_000_000_001)]
    [InlineData(TransportBitrate.MaxIncoming, long.MinValue)]
    [InlineData((TransportBitrate)7, 100_000)]
    public async Task Bitrate_ThatIsAbsurdOrContradictsAnother_IsRefusedAndChangesNothing(TransportBitrate which, long bitrate)
    {
        var (room, transport) = await JoinAsync("alice");
        await room.SetTransportBitrateAsync("alice", transport, TransportBitrate.MaxOutgoing, 500_000);
        await room.SetTransportBitrateAsync("alice", transport, TransportBitrate.MinOutgoing, 200_000);

        Assert.Equal(FaultCode.Invalid, (await room.SetTransportBitrateAsync("alice", transport, which, bitrate)).Fault!.Code);

        Assert.Equal(new TransportBitrates(500_000, 200_000), At(room, transport));
    }

    [Fact]
    public async Task Bitrate_OfAnothersTransport_IsRefused()
    {
        var (room, transport) = await JoinAsync("alice");
        await room.JoinAsync(new JoinRoom("bob", Guid.NewGuid(), "bob", "bob", "test"), cluster.Grains.CreateObjectReference<IRoomObserver>(_observer));

        Assert.Equal(FaultCode.NotFound, (await room.SetTransportBitrateAsync("bob", transport, TransportBitrate.MaxOutgoing, 100_000)).Fault!.Code);
        Assert.Equal(FaultCode.NotFound, (await room.SetTransportBitrateAsync("alice", "none", TransportBitrate.MaxOutgoing, 100_000)).Fault!.Code);
        Assert.Equal(FaultCode.NotFound, (await room.SetTransportBitrateAsync("carol", transport, TransportBitrate.MaxOutgoing, 100_000)).Fault!.Code);
        Assert.Null(At(room, transport));
    }

    [Fact]
    public async Task Bitrate_OutlivesTheRoomsActivation_OfEachTransportItsOwn()
    {
        var (room, first) = await JoinAsync("alice");
        var second = (await room.CreateTransportAsync("alice")).Value!.TransportId;
        await room.SetTransportBitrateAsync("alice", first, TransportBitrate.MaxOutgoing, 500_000);
        await room.SetTransportBitrateAsync("alice", second, TransportBitrate.MaxOutgoing, 200_000);
        await cluster.CollectAsync();

        var third = (await room.CreateTransportAsync("alice")).Value!.TransportId;

        Assert.Equal((500_000, 200_000, 200_000), (At(room, first)?.MaxOutgoing, At(room, second)?.MaxOutgoing, At(room, third)?.MaxOutgoing));
    }

    [Fact]
    public async Task Bitrate_OfARoomThatMoves_HoldsAtTheOtherNode()
    {
        var (room, transport) = await JoinAsync("alice");
        await room.SetTransportBitrateAsync("alice", transport, TransportBitrate.MaxOutgoing, 400_000);
        cluster.StartNode("second");
        await cluster.FleetSettlesAsync();
        cluster.KillNode("first");
        await Eventually.HoldsAsync(() => _observer.Events.OfType<MediaMoved>().Any(), "media-moved");

        var anew = (await room.CreateTransportAsync("alice")).Value!.TransportId;

        Assert.Equal(400_000, cluster.Node("second").Find(room.GetPrimaryKeyString())!.Bitrates[anew]?.MaxOutgoing);

        // The others of this class find the node that they know.
        cluster.StartNode("first");
        cluster.KillNode("second");
        await cluster.FleetSettlesAsync();
    }

    private async Task<(IRoomGrain Room, string Transport)> JoinAsync(string participantId)
    {
        await cluster.FleetSettlesAsync();
        var room = cluster.Room();
        await room.JoinAsync(
            new JoinRoom(participantId, Guid.NewGuid(), participantId, participantId, "test"), cluster.Grains.CreateObjectReference<IRoomObserver>(_observer));
        return (room, (await room.CreateTransportAsync(participantId)).Value!.TransportId);
    }

    private TransportBitrates? At(IRoomGrain room, string transport) => cluster.Node("first").Find(room.GetPrimaryKeyString())!.Bitrates.GetValueOrDefault(transport);
}
