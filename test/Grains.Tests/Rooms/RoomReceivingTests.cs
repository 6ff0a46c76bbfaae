using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Rooms;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>Slots and the mix, mute and deaf, speaking, and participants that end with their media.</summary>
public sealed class RoomReceivingTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    [Fact]
    public async Task ConsumeLoudest_AnswersEachSlotInTheOrderOfTheRequest()
    {
        var (room, _) = await RoomOfAsync("alice");
        var transport = await TransportAsync(room, "alice");

        var slots = (await room.ConsumeLoudestAsync("alice", new ConsumeLoudestRequest(transport, ["one", "two", "three"]))).Value!;

        Assert.Equal(["one+ssrc", "two+ssrc", "three+ssrc"], slots.Select(s => s.RtpParametersJson));
        Assert.Equal(3, slots.Select(s => s.ConsumerId).Distinct().Count());
        Assert.All(slots, s => Assert.Equal(("", MediaKind.Audio), (s.ProducerId, s.Kind)));
        Assert.All(slots, s => Assert.Equal(ConsumerSource.Loudest, Hosted(room).Consumers[s.ConsumerId].Source));
    }

    [Fact]
    public async Task Priority_ReachesTheNode_OfTheOwnConsumerAndInItsRangeOnly()
    {
        var (room, _) = await RoomOfAsync("alice", "bob");
        var producer = await ProduceAsync(room, "alice");
        var consumer = (await room.ConsumeAsync("bob", new ConsumeRequest(await TransportAsync(room, "bob"), producer, "{}"))).Value!.ConsumerId;

        Assert.Null((await room.SetConsumerPriorityAsync("bob", consumer, 255)).Fault);
        Assert.Equal(FaultCode.NotFound, (await room.SetConsumerPriorityAsync("alice", consumer, 3)).Fault!.Code);
        Assert.Equal(FaultCode.Invalid, (await room.SetConsumerPriorityAsync("bob", consumer, 0)).Fault!.Code);
        Assert.Equal(FaultCode.Invalid, (await room.SetConsumerPriorityAsync("bob", consumer, 256)).Fault!.Code);
        Assert.Equal([255], cluster.Node("first").CommandsSoFar().OfType<SetConsumerPriority>().Where(c => c.ConsumerId == consumer).Select(c => c.Priority));
    }

    [Fact]
    public async Task TopSpeakers_OfTheConfiguration_ReachTheNode()
    {
        var (room, _) = await RoomOfAsync("alice");
        await TransportAsync(room, "alice");
        Assert.Equal(7, Hosted(room).TopSpeakers);
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void TopSpeakers_OutOfRange_AreRefusedByName(int value, bool isValid)
    {
        string[] faults = [.. new RoomOptions { TopSpeakers = value }.Validate()];
        Assert.Equal(isValid, faults.Length == 0);
        Assert.All(faults, f => Assert.StartsWith($"Rooms:TopSpeakers is {value};", f, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Consume_Negotiated_ReachesTheNode()
    {
        var (room, _) = await RoomOfAsync("alice", "bob");
        var producer = await ProduceAsync(room, "alice");
        var transport = await TransportAsync(room, "bob");

        Assert.Null((await room.ConsumeAsync("bob", new ConsumeRequest(transport, producer, "", NegotiatedRtpParametersJson: "mine"))).Fault);

        Assert.Equal("mine", cluster.Node("first").CommandsSoFar().OfType<CreateConsumer>().Last(c => c.ProducerId == producer).NegotiatedRtpParametersJson);
    }

    [Theory]
    [InlineData("another's transport", FaultCode.NotFound)]
    [InlineData("unknown participant", FaultCode.NotFound)]
    [InlineData("no slot", FaultCode.Invalid)]
    [InlineData("too many slots", FaultCode.Conflict)]
    [InlineData("too many mixes", FaultCode.Conflict)]
    public async Task Requests_ThatAreNotAllowed_AreRefusedAndChangeNothing(string what, FaultCode code)
    {
        var (room, _) = await RoomOfAsync("alice", "bob");
        var transport = await TransportAsync(room, "alice");
        for (var i = 0; i < 2 && what == "too many mixes"; i++)
        {
            Assert.Null((await room.ConsumeMixAsync("alice", new ConsumeMixRequest(transport, "{}"))).Fault);
        }

        var before = Hosted(room).Consumers.Count;
        var fault = what switch
        {
            "another's transport" => (await room.ConsumeMixAsync("bob", new ConsumeMixRequest(transport, "{}"))).Fault,
            "unknown participant" => (await room.ConsumeLoudestAsync("mallory", new ConsumeLoudestRequest(transport, ["{}"]))).Fault,
            "no slot" => (await room.ConsumeLoudestAsync("alice", new ConsumeLoudestRequest(transport, []))).Fault,
            "too many slots" => (await room.ConsumeLoudestAsync("alice", new ConsumeLoudestRequest(transport, [.. Enumerable.Repeat("{}", 17)]))).Fault,
            _ => (await room.ConsumeMixAsync("alice", new ConsumeMixRequest(transport, "{}"))).Fault,
        };

        Assert.Equal(code, fault?.Code);
        Assert.Equal(before, Hosted(room).Consumers.Count);
    }

    [Fact]
    public async Task Deafened_HoldsBackEverythingHeard_AlsoWhatIsAskedForLater()
    {
        var (room, _) = await RoomOfAsync("alice", "bob");
        var producer = await ProduceAsync(room, "alice");
        var transport = await TransportAsync(room, "bob");
        var consumer = (await room.ConsumeAsync("bob", new ConsumeRequest(transport, producer, "{}"))).Value!.ConsumerId;
        var slot = (await room.ConsumeLoudestAsync("bob", new ConsumeLoudestRequest(transport, ["{}"]))).Value![0].ConsumerId;
        var mix = (await room.ConsumeMixAsync("bob", new ConsumeMixRequest(transport, "{}"))).Value!.ConsumerId;
        Assert.All(Hosted(room).Consumers.Values, c => Assert.False(c.Paused));

        await room.SetVoiceStateAsync("bob", muted: false, deafened: true);
        var later = (await room.ConsumeLoudestAsync("bob", new ConsumeLoudestRequest(transport, ["{}"]))).Value![0].ConsumerId;
        await room.SetConsumerPausedAsync("bob", mix, paused: false);
        Assert.All(Hosted(room).Consumers.Values, c => Assert.True(c.Paused));

        await room.SetVoiceStateAsync("bob", muted: false, deafened: false);
        Assert.Equal([consumer, slot, mix, later], Hosted(room).Consumers.Keys);
        Assert.All(Hosted(room).Consumers.Values, c => Assert.False(c.Paused));
    }

    [Fact]
    public async Task VoiceState_WhoseCommandsAreLost_IsEnforcedBeforeTheAnswer()
    {
        var (room, _) = await RoomOfAsync("alice");
        var producer = await ProduceAsync(room, "alice");
        var transport = await TransportAsync(room, "alice");
        var mix = (await room.ConsumeMixAsync("alice", new ConsumeMixRequest(transport, "{}"))).Value!.ConsumerId;

        cluster.Node("first").DropsCommands = true;
        await room.SetVoiceStateAsync("alice", muted: true, deafened: true);
        cluster.Node("first").DropsCommands = false;

        Assert.True(Hosted(room).Producers[producer].Paused);
        Assert.True(Hosted(room).Consumers[mix].Paused);
    }

    [Fact]
    public async Task Deactivation_KeepsSlotsAndMixWithTheirOwner()
    {
        var (room, _) = await RoomOfAsync("alice", "bob");
        var transport = await TransportAsync(room, "alice");
        var slot = (await room.ConsumeLoudestAsync("alice", new ConsumeLoudestRequest(transport, ["{}"]))).Value![0].ConsumerId;
        var mix = (await room.ConsumeMixAsync("alice", new ConsumeMixRequest(transport, "{}"))).Value!.ConsumerId;
        var before = cluster.Node("first").CommandsSoFar().Length;

        await cluster.CollectAsync();
        Assert.Equal(FaultCode.NotFound, (await room.CloseConsumerAsync("bob", slot)).Fault?.Code);
        Assert.Equal(before, cluster.Node("first").CommandsSoFar().Length);
        Assert.Equal([slot, mix], Hosted(room).Consumers.Keys);

        await room.SetVoiceStateAsync("alice", muted: false, deafened: true);
        Assert.All(Hosted(room).Consumers.Values, c => Assert.True(c.Paused));
        Assert.Null((await room.CloseConsumerAsync("alice", slot)).Fault);
        Assert.Equal([mix], Hosted(room).Consumers.Keys);
    }

    [Fact]
    public async Task Speaking_IsToldAsStartsAndStops_AndEndsWithTheParticipant()
    {
        var (room, alice) = await RoomOfAsync("alice", "bob");
        await ProduceAsync(room, "alice");
        await ReportAsync(room, [new Speaker("alice", -20), new Speaker("stranger", -10)]);
        await ReportAsync(room, [new Speaker("bob", -10), new Speaker("alice", -30)]);
        Assert.Equal(["alice", "bob"], (await room.GetSnapshotAsync()).Speaking!.Order());
        await ReportAsync(room, [new Speaker("bob", -10)]);
        await room.LeaveAsync("bob", LeaveReason.Left);

        await Eventually.HoldsAsync(() => alice.Events.OfType<ParticipantLeft>().Any(), "bob's leaving");
        Assert.Equal(
            ["+alice", "+bob", "-alice", "-bob"],
            alice.Events.OfType<SpeakingChanged>().SelectMany(e => e.Started.Select(s => $"+{s}").Concat(e.Stopped.Select(s => $"-{s}"))));
        Assert.Empty((await room.GetSnapshotAsync()).Speaking!);
    }

    [Fact]
    public async Task SilentTransport_TheLastOfAParticipantBoundToIt_EndsTheParticipant()
    {
        var (room, alice) = await RoomOfAsync("alice");
        var bob = await JoinAsync(room, "bob", endsWithMedia: true);
        var first = await TransportAsync(room, "bob");
        var second = await TransportAsync(room, "bob");
        await ReportAsync(room, null, new(first, MediaTransportState.Connected), new(second, MediaTransportState.Connected));

        await ReportAsync(room, null, new TransportStateChange(first, MediaTransportState.Closed, WasSilent: true));
        Assert.Contains((await room.GetSnapshotAsync()).Participants, p => p.ParticipantId == "bob");

        await ReportAsync(room, null, new TransportStateChange(second, MediaTransportState.Closed, WasSilent: true));
        Assert.DoesNotContain((await room.GetSnapshotAsync()).Participants, p => p.ParticipantId == "bob");
        await Eventually.HoldsAsync(() => bob.Events.OfType<Evicted>().Any(e => e.Reason == LeaveReason.MediaLost), "the word to its door");
        await Eventually.HoldsAsync(() => alice.Events.OfType<ParticipantLeft>().Any(e => e.Reason == LeaveReason.MediaLost), "the word to the others");
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task ClosedTransport_OfOneNotBoundToItOrThatSaidGoodbye_LeavesTheParticipant(bool endsWithMedia, bool wasSilent)
    {
        var (room, _) = await RoomOfAsync("alice");
        await JoinAsync(room, "bob", endsWithMedia);
        var transport = await TransportAsync(room, "bob");
        await ReportAsync(room, null, new TransportStateChange(transport, MediaTransportState.Connected));

        await ReportAsync(room, null, new TransportStateChange(transport, MediaTransportState.Closed, wasSilent));

        Assert.Contains((await room.GetSnapshotAsync()).Participants, p => p.ParticipantId == "bob");
        Assert.Equal(FaultCode.NotFound, (await room.RestartIceAsync("bob", transport)).Fault?.Code);
    }

    private Media.InMemoryMediaNode.HostedRoom Hosted(IRoomGrain room) => cluster.Node("first").Find(room.GetPrimaryKeyString())!;

    private async Task<(IRoomGrain Room, RecordingObserver First)> RoomOfAsync(params string[] names)
    {
        var room = cluster.Room();
        var first = await JoinAsync(room, names[0]);
        foreach (var name in names[1..])
        {
            await JoinAsync(room, name);
        }

        return (room, first);
    }

    private async Task<RecordingObserver> JoinAsync(IRoomGrain room, string name, bool endsWithMedia = false)
    {
        var observer = new RecordingObserver();
        var joined = await room.JoinAsync(
            new JoinRoom(name, Guid.NewGuid(), name, name, "test", EndsWithMedia: endsWithMedia), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        Assert.Null(joined.Fault);
        return observer;
    }

    private static async Task<string> TransportAsync(IRoomGrain room, string name) => (await room.CreateTransportAsync(name)).Value!.TransportId;

    private static async Task<string> ProduceAsync(IRoomGrain room, string name) =>
        (await room.ProduceAsync(name, new ProduceRequest(await TransportAsync(room, name), MediaKind.Audio, "{}"))).Value!;

    private async Task ReportAsync(IRoomGrain room, Speaker[]? speakers, params TransportStateChange[] transports)
    {
        var node = (await cluster.Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key).ListAsync()).Single(n => n.Node.Name == "first").Node;
        await room.ReportAsync(new MediaReport(node, 0, speakers, transports));
    }
}
