using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>Native clients of a room.</summary>
public sealed class RoomRelayTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private static readonly RelayTransportRequest Secrets = new(new byte[16], new byte[16]);

    [Fact]
    public async Task Transport_OfANativeClient_IsMadeWithItsUserAndSecrets_AndItsVoiceNamesItsOwner()
    {
        var room = cluster.Room();
        var (alice, bob) = (Guid.NewGuid(), Guid.NewGuid());
        await JoinAsync(room, "a", alice);
        await JoinAsync(room, "b", bob);

        var made = (await room.CreateRelayTransportAsync("a", Secrets)).Value!;
        Assert.Equal((new RelayEndPoint("192.0.2.7", 3002), new RelayMedia("send", "receive", "mix")), (made.EndPoint, made.Media));
        var command = Assert.Single(Commands<CreateRelayTransport>(), c => c.TransportId == made.TransportId);
        Assert.Equal(("a", alice), (command.ParticipantId, command.UserId));

        var producer = (await room.ProduceAsync("a", new ProduceRequest(made.TransportId, MediaKind.Audio, "send"))).Value!;
        var other = (await room.CreateRelayTransportAsync("b", Secrets)).Value!;
        Assert.Null((await room.ConsumeAsync("b", new ConsumeRequest(other.TransportId, producer, "receive"))).Fault);
        Assert.Equal(alice, Assert.Single(Commands<CreateConsumer>(), c => c.ProducerId == producer).SourceUserId);
        Assert.Equal(2, (await room.GetAudioStatisticsAsync()).Value!.Clients);
        Assert.Equal(FaultCode.NotFound, (await room.CreateRelayTransportAsync("x", Secrets)).Fault?.Code);
    }

    [Fact]
    public async Task Transport_OfTheSameUserAgain_MovesTheOlder_AndLeavesItsOtherDoors()
    {
        var room = cluster.Room();
        var alice = Guid.NewGuid();
        var first = await JoinAsync(room, "first", alice);
        await JoinAsync(room, "browser", alice, "mediasoup");
        await room.CreateRelayTransportAsync("first", Secrets);
        await JoinAsync(room, "second", alice);

        await room.CreateRelayTransportAsync("second", Secrets);

        Assert.Equal(["browser", "second"], (await room.GetSnapshotAsync()).Participants.Select(p => p.ParticipantId));
        await Eventually.HoldsAsync(
            () => Task.FromResult(first.Events.OfType<Evicted>().Any(e => e.Reason == LeaveReason.Moved)), "the older client is told");
    }

    [Fact]
    public async Task Statistics_OfAnEmptyRoom_AreNone() => Assert.Equal(AudioStatistics.None, (await cluster.Room().GetAudioStatisticsAsync()).Value);

    private async Task<RecordingObserver> JoinAsync(IRoomGrain room, string id, Guid user, string door = "channels")
    {
        RecordingObserver observer = new();
        _observers.Add(observer);
        var joined = await room.JoinAsync(
            new JoinRoom(id, user, $"\"{id}\"", id, door), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        Assert.Null(joined.Fault);
        return observer;
    }

    // A reference does not keep its object alive.
    private readonly List<RecordingObserver> _observers = [];

    private T[] Commands<T>() => [.. cluster.Node("first").CommandsSoFar().OfType<T>()];
}
