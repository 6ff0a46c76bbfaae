using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Tests.Rooms;

public sealed class RoomGrainTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    [Fact]
    public async Task Join_FirstParticipant_OpensTheRoomAtTheNode()
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");

        Assert.False(alice.Joined.Resumed);
        Assert.Equal("""{"codecs":[]}""", alice.Joined.RtpCapabilitiesJson);
        Assert.Equal(["alice"], alice.Joined.Room.Participants.Select(p => p.ParticipantId));
        Assert.NotNull(cluster.Node("first").Find(room.GetPrimaryKeyString()));
    }

    [Fact]
    public async Task Join_SameParticipantAgain_ResumesWithItsProducers()
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");
        var producer = await alice.ProduceAsync();

        var again = await JoinAsync(room, "alice");

        Assert.True(again.Joined.Resumed);
        Assert.Equal([producer], again.Joined.Room.Producers.Select(p => p.ProducerId));
    }

    [Fact]
    public async Task Join_SameParticipantIdOfAnotherUser_IsConflict()
    {
        var room = cluster.Room();
        await JoinAsync(room, "alice");

        var stolen = await room.JoinAsync(
            new JoinRoom("alice", Guid.NewGuid(), "2", "Mallory", "test"), cluster.Grains.CreateObjectReference<IRoomObserver>(new RecordingObserver()));

        Assert.Equal(FaultCode.Conflict, stolen.Fault?.Code);
    }

    [Fact]
    public async Task Resume_ByAnotherDoor_TakesTheParticipantOverAndTellsOnlyTheEarlierDoor()
    {
        var room = cluster.Room();
        var bob = await JoinAsync(room, "bob");
        var (earlier, later) = (new RecordingObserver(), new RecordingObserver());
        var earlierReference = cluster.Grains.CreateObjectReference<IRoomObserver>(earlier);
        var userId = Guid.NewGuid();
        await room.JoinAsync(new JoinRoom("alice", userId, "alice", "alice", "test", ResumeKey: "key"), earlierReference);
        var transport = (await room.CreateTransportAsync("alice")).Value!.TransportId;
        var producer = (await room.ProduceAsync("alice", new ProduceRequest(transport, MediaKind.Audio, "{}"))).Value!;
        await Eventually.HoldsAsync(() => bob.Observer.Events.OfType<ProducerAdded>().Any(), "the producer");
        var before = bob.Observer.Events.Length;

        var reference = cluster.Grains.CreateObjectReference<IRoomObserver>(later);
        Assert.Equal(FaultCode.NotFound, (await room.ResumeAsync(new ResumeRoom("alice", userId, "guess"), reference)).Fault?.Code);
        Assert.Equal(FaultCode.NotFound, (await room.ResumeAsync(new ResumeRoom("alice", Guid.NewGuid(), "key"), reference)).Fault?.Code);
        Assert.Equal(FaultCode.NotFound, (await room.ResumeAsync(new ResumeRoom("bob", userId, "key"), reference)).Fault?.Code);
        var resumed = (await room.ResumeAsync(new ResumeRoom("alice", userId, "key"), reference)).Value!;

        Assert.True(resumed.Resumed);
        Assert.Equal([transport], resumed.Transports!);
        Assert.Equal([producer], resumed.Room.Producers.Select(p => p.ProducerId));
        await Eventually.HoldsAsync(() => earlier.Events.OfType<Evicted>().Any(e => e.Reason == LeaveReason.Moved), "the earlier door's notice");

        // The earlier door may not have heard of it: its renewal does not take the participant back.
        Assert.Equal(FaultCode.Gone, (await room.RenewAsync("alice", earlierReference)).Fault?.Code);
        Assert.Null((await room.RenewAsync("alice", reference)).Fault);
        await room.CloseProducerAsync("alice", producer);
        await Eventually.HoldsAsync(() => later.Events.OfType<ProducerRemoved>().Any(), "the event at the later door");
        await Eventually.HoldsAsync(() => bob.Observer.Events.Length > before, "the event at the others");
        Assert.IsType<ProducerRemoved>(bob.Observer.Events[before]);
        Assert.Empty(earlier.Events.OfType<ProducerRemoved>());
    }

    [Fact]
    public async Task Join_BeyondTheLimit_IsFull()
    {
        var room = cluster.Room();
        foreach (var name in (string[])["a", "b", "c", "d"])
        {
            await JoinAsync(room, name);
        }

        var observer = cluster.Grains.CreateObjectReference<IRoomObserver>(new RecordingObserver());
        var outcome = await room.JoinAsync(new JoinRoom("e", Guid.NewGuid(), "e", "e", "test"), observer);

        Assert.Equal(FaultCode.Full, outcome.Fault?.Code);
    }

    [Fact]
    public async Task Events_OfAConversation_ReachTheOthersInOrder()
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");
        var bob = await JoinAsync(room, "bob");
        var producer = await bob.ProduceAsync();
        await room.SetProducerPausedAsync("bob", producer, paused: true);
        await room.LeaveAsync("bob", LeaveReason.Left);

        await Eventually.HoldsAsync(() => alice.Observer.Events.Length >= 6, "six events");
        var events = alice.Observer.Events;
        Assert.Collection(
            events,
            e => Assert.Equal("alice", Assert.IsType<ParticipantJoined>(e).Participant.ParticipantId),
            e => Assert.Equal("bob", Assert.IsType<ParticipantJoined>(e).Participant.ParticipantId),
            e => Assert.Equal(producer, Assert.IsType<ProducerAdded>(e).Producer.ProducerId),
            e => Assert.True(Assert.IsType<ProducerUpdated>(e).Producer.Paused),
            e => Assert.Equal(producer, Assert.IsType<ProducerRemoved>(e).ProducerId),
            e => Assert.Equal(LeaveReason.Left, Assert.IsType<ParticipantLeft>(e).Reason));
        Assert.Equal([1, 2, 3, 4, 5, 6], events.Select(e => e.Sequence));
    }

    [Fact]
    public async Task Consume_AnothersProducer_AnswersItsParameters()
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");
        var bob = await JoinAsync(room, "bob");
        var producer = await alice.ProduceAsync();
        var transport = await bob.OpenTransportAsync();

        var consumer = (await room.ConsumeAsync("bob", new ConsumeRequest(transport, producer, "{}"))).Value!;

        Assert.Equal((producer, MediaKind.Audio, false), (consumer.ProducerId, consumer.Kind, consumer.ProducerPaused));
        Assert.True(cluster.Node("first").Find(room.GetPrimaryKeyString())!.Consumers.ContainsKey(consumer.ConsumerId));
    }

    [Theory]
    [InlineData("another's transport")]
    [InlineData("another's producer")]
    [InlineData("unknown participant")]
    [InlineData("bad parameters")]
    public async Task Requests_ThatAreNotAllowed_AreRefusedAndChangeNothing(string what)
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");
        await JoinAsync(room, "bob");
        var producer = await alice.ProduceAsync();
        var fault = what switch
        {
            "another's transport" => (await room.ProduceAsync("bob", new ProduceRequest(alice.TransportId!, MediaKind.Audio, "{}"))).Fault,
            "another's producer" => (await room.CloseProducerAsync("bob", producer)).Fault,
            "unknown participant" => (await room.CreateTransportAsync("mallory")).Fault,
            _ => (await room.ProduceAsync("alice", new ProduceRequest(alice.TransportId!, MediaKind.Audio, "bad"))).Fault,
        };

        Assert.Equal(what == "bad parameters" ? FaultCode.Invalid : FaultCode.NotFound, fault?.Code);
        Assert.Equal([producer], (await room.GetSnapshotAsync()).Producers.Select(p => p.ProducerId));
    }

    [Fact]
    public async Task VoiceState_Muted_IsEnforcedByTheNodeForPresentAndLaterProducers()
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");
        var first = await alice.ProduceAsync();

        await room.SetVoiceStateAsync("alice", muted: true, deafened: false);
        var second = await alice.ProduceAsync();
        var hosted = cluster.Node("first").Find(room.GetPrimaryKeyString())!;
        Assert.True(hosted.Producers[first].Paused);
        Assert.True(hosted.Producers[second].Paused);

        await room.SetVoiceStateAsync("alice", muted: false, deafened: false);
        Assert.False(hosted.Producers[first].Paused);
        Assert.False(hosted.Producers[second].Paused);
    }

    [Fact]
    public async Task Deactivation_OfALivingRoom_SendsTheNodeNoCommandAndKeepsEverything()
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");
        var bob = await JoinAsync(room, "bob");
        var producer = await alice.ProduceAsync();
        var transport = await bob.OpenTransportAsync();
        var consumer = (await room.ConsumeAsync("bob", new ConsumeRequest(transport, producer, "{}"))).Value!;
        var node = cluster.Node("first");
        var before = node.CommandsSoFar().Length;

        await cluster.CollectAsync();
        var snapshot = await room.GetSnapshotAsync();

        Assert.Equal(before, node.CommandsSoFar().Length);
        Assert.Equal(["alice", "bob"], snapshot.Participants.Select(p => p.ParticipantId));
        Assert.Equal([producer], snapshot.Producers.Select(p => p.ProducerId));
        Assert.True(node.Find(room.GetPrimaryKeyString())!.Consumers.ContainsKey(consumer.ConsumerId));

        // The new activation still knows where the doors are.
        await room.CloseProducerAsync("alice", producer);
        await Eventually.HoldsAsync(() => bob.Observer.Events.OfType<ProducerRemoved>().Any(), "the event after the takeover");
    }

    [Fact]
    public async Task LostReply_OfACommand_IsReconciledBeforeTheNext()
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");
        var kept = await alice.OpenTransportAsync();
        var node = cluster.Node("first");

        node.LosesReplies = true;
        var lost = await room.CreateTransportAsync("alice");
        node.LosesReplies = false;
        Assert.Equal(FaultCode.Unavailable, lost.Fault?.Code);
        Assert.Equal(2, node.Find(room.GetPrimaryKeyString())!.Transports.Count);

        await room.ConnectTransportAsync("alice", kept, "{}");

        Assert.Equal([kept], node.Find(room.GetPrimaryKeyString())!.Transports.Keys);
    }

    [Fact]
    public async Task LastLeave_ClosesTheRoomAtTheNode()
    {
        var room = cluster.Room();
        await JoinAsync(room, "alice");
        await room.LeaveAsync("alice", LeaveReason.Left);

        Assert.Null(cluster.Node("first").Find(room.GetPrimaryKeyString()));
        Assert.Empty((await room.GetSnapshotAsync()).Participants);
    }

    [Fact]
    public async Task Renew_OfAnUnknownParticipant_IsNotFound()
    {
        var observer = cluster.Grains.CreateObjectReference<IRoomObserver>(new RecordingObserver());
        Assert.Equal(FaultCode.NotFound, (await cluster.Room().RenewAsync("nobody", observer)).Fault?.Code);
    }

    [Fact]
    public async Task Report_OfAClosedTransport_EndsItsProducers()
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");
        var bob = await JoinAsync(room, "bob");
        var producer = await alice.ProduceAsync();
        var nodeId = (await cluster.Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key).ListAsync()).Single(n => n.Node.Name == "first").Node;

        await room.ReportAsync(new MediaReport(
            nodeId, 0, [new Speaker("alice", -20)], [new TransportStateChange(alice.TransportId!, MediaTransportState.Closed)]));

        await Eventually.HoldsAsync(
            () => bob.Observer.Events.OfType<ProducerRemoved>().Any(e => e.ProducerId == producer), "the producer's end");
        Assert.Equal("alice", bob.Observer.Events.OfType<SpeakersChanged>().Single().Speakers.Single().ParticipantId);
    }

    [Fact]
    public async Task Consume_OfOneProducerAgainAndAgain_IsBounded()
    {
        var room = cluster.Room();
        var alice = await JoinAsync(room, "alice");
        var bob = await JoinAsync(room, "bob");
        var producer = await alice.ProduceAsync();
        var transport = await bob.OpenTransportAsync();
        for (var i = 0; i < 4; i++)
        {
            Assert.Null((await room.ConsumeAsync("bob", new ConsumeRequest(transport, producer, "{}"))).Fault);
        }

        var beyond = await room.ConsumeAsync("bob", new ConsumeRequest(transport, producer, "{}"));

        Assert.Equal(FaultCode.Conflict, beyond.Fault?.Code);
        Assert.Equal(4, cluster.Node("first").Find(room.GetPrimaryKeyString())!.Consumers.Count);
    }

    private async Task<Client> JoinAsync(IRoomGrain room, string name)
    {
        var observer = new RecordingObserver();
        var userId = new Guid(System.Security.Cryptography.MD5.HashData(System.Text.Encoding.UTF8.GetBytes(name)));
        var joined = await room.JoinAsync(
            new JoinRoom(name, userId, name, name, "test"), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        Assert.Null(joined.Fault);
        return new Client(room, name, observer, joined.Value!);
    }

    /// <summary>One participant as a door drives it.</summary>
    private sealed class Client(IRoomGrain room, string name, RecordingObserver observer, RoomJoined joined)
    {
        public RecordingObserver Observer => observer;

        public RoomJoined Joined => joined;

        public string? TransportId { get; private set; }

        public async Task<string> OpenTransportAsync() => TransportId = (await room.CreateTransportAsync(name)).Value!.TransportId;

        public async Task<string> ProduceAsync()
        {
            var transport = TransportId ?? await OpenTransportAsync();
            return (await room.ProduceAsync(name, new ProduceRequest(transport, MediaKind.Audio, "{}"))).Value!;
        }
    }
}
