using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>Participants over plain transports.</summary>
public sealed class RoomPlainTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    // A reference does not keep its object alive.
    private readonly List<RecordingObserver> _observers = [];

    [Fact]
    public async Task Transport_OfAPlainParticipant_IsMadeWithItsOptions_AndItsProducerIsTheRooms()
    {
        var room = cluster.Room();
        await JoinAsync(room, "radio", "plain");
        var browser = await JoinAsync(room, "alice", "mediasoup");

        var made = (await room.CreatePlainTransportAsync("radio", """{"comedia":true}""")).Value!;

        Assert.Equal("plain", made.DescriptionJson);
        var command = Assert.Single(cluster.Node("first").CommandsSoFar().OfType<CreatePlainTransport>(), c => c.TransportId == made.TransportId);
        Assert.Equal(("radio", """{"comedia":true}"""), (command.ParticipantId, command.OptionsJson));
        var producer = (await room.ProduceAsync("radio", new ProduceRequest(made.TransportId, MediaKind.Audio, "send"))).Value!;
        await Eventually.HoldsAsync(
            () => Task.FromResult(browser.Events.OfType<ProducerAdded>().Any(e => e.Producer.ProducerId == producer && e.Producer.ParticipantId == "radio")), "others hear of it");
        Assert.Equal(FaultCode.NotFound, (await room.CreatePlainTransportAsync("nobody", "{}")).Fault?.Code);

        // Another's transport is not to be sent over.
        Assert.Equal(FaultCode.NotFound, (await room.ProduceAsync("alice", new ProduceRequest(made.TransportId, MediaKind.Audio, "send"))).Fault?.Code);
    }

    private async Task<RecordingObserver> JoinAsync(IRoomGrain room, string id, string door)
    {
        RecordingObserver observer = new();
        _observers.Add(observer);
        var joined = await room.JoinAsync(new JoinRoom(id, Guid.NewGuid(), $"\"{id}\"", id, door), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        Assert.Null(joined.Fault);
        return observer;
    }
}
