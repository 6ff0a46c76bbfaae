using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Tests.Media;

namespace VoiceCluster.Grains.Tests.Rooms;

/// <summary>A room that is too much for one media node.</summary>
public sealed class SeveralNodesTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private readonly IRoomGrain _room = cluster.Room();
    private readonly Dictionary<string, Member> _members = [];

    [Fact]
    public async Task Participants_BeyondOneNode_GoToAnother_AndEachProducerIsPipedOnce()
    {
        var (near, far) = await FillTwoNodesAsync();
        var snapshot = await _room.GetSnapshotAsync();
        Assert.Equal(snapshot.NodeOf("a"), snapshot.NodeOf("b"));
        Assert.Equal(snapshot.NodeOf("c"), snapshot.NodeOf("d"));
        Assert.NotEqual(snapshot.NodeOf("a"), snapshot.NodeOf("c"));

        AssertPiped(near, far, ["a", "b"], ["c", "d"]);
        Assert.Equal(6, near.Consumers.Count);
        Assert.Equal(6, far.Consumers.Count);
        foreach (var member in _members.Values)
        {
            Assert.Equal(1, Node(near).CommandsSoFar().Concat(Node(far).CommandsSoFar()).Count(c => c is CreatePipeConsumer pipe && pipe.ProducerId == member.Producer));
        }

        // The end of the room is its end everywhere.
        foreach (var name in _members.Keys)
        {
            await _room.LeaveAsync(name, LeaveReason.Left);
        }

        await Eventually.HoldsAsync(() => Near is null && Far is null, "the room's end at both nodes");
    }

    [Fact]
    public async Task Mute_HoldsTheProducerBack_AtEveryNode()
    {
        var (near, far) = await FillTwoNodesAsync();
        await _room.SetVoiceStateAsync("a", muted: true, deafened: false);
        Assert.True(near.Producers[_members["a"].Producer].Paused);
        Assert.True(far.Producers[_members["a"].Producer].Paused);
        await _room.SetVoiceStateAsync("a", muted: false, deafened: false);
        Assert.False(far.Producers[_members["a"].Producer].Paused);
        await _room.SetProducerPausedAsync("c", _members["c"].Producer, true);
        Assert.True(near.Producers[_members["c"].Producer].Paused);

        // Deafened is who is deaf, on its own node alone.
        await _room.SetVoiceStateAsync("d", muted: false, deafened: true);
        Assert.Equal(3, far.Consumers.Values.Count(c => c.Paused));
        Assert.DoesNotContain(near.Consumers.Values, c => c.Paused);
    }

    [Fact]
    public async Task CloseOfAProducer_EndsIt_AtEveryNode()
    {
        var (near, far) = await FillTwoNodesAsync();
        await _room.CloseProducerAsync("a", _members["a"].Producer);
        AssertPiped(near, far, ["b"], ["c", "d"]);
        Assert.Equal(4, far.Consumers.Count);

        // The same when it goes with its transport, or its participant.
        await _room.CloseTransportAsync("c", _members["c"].Transport);
        AssertPiped(near, far, ["b"], ["d"]);
        await _room.LeaveAsync("b", LeaveReason.Left);
        AssertPiped(near, far, [], ["d"]);
        Assert.Equal([_members["d"].Producer], (await _room.GetSnapshotAsync()).Producers.Select(p => p.ProducerId));
    }

    [Fact]
    public async Task LossOfANode_MovesItsParticipantsAlone()
    {
        var (near, far) = await FillTwoNodesAsync();
        var lost = (await _room.GetSnapshotAsync()).NodeOf("c")!;
        cluster.KillNode(lost);

        await Eventually.HoldsAsync(() => Moved("c") is not null && Moved("d") is not null, "media-moved");
        Assert.Null(Moved("a"));
        Assert.Null(Moved("b"));
        Assert.Equal(
            new[] { "a", "b" }.Select(n => _members[n].Producer).Order(), Moved("c")!.Producers!.Select(p => p.ProducerId).Order());
        await Eventually.HoldsAsync(
            () => _members["a"].Observer.Events.OfType<ProducerRemoved>().Count(r => r.ParticipantId is "c" or "d") == 2, "the end of their producers");
        Assert.Empty(near.Pipes);
        Assert.Equal(2, near.Consumers.Count);

        // They come back; where all are full the room's own node takes them.
        await TalkAsync("c");
        await TalkAsync("d");
        Assert.Equal((await _room.GetSnapshotAsync()).NodeOf("a"), (await _room.GetSnapshotAsync()).NodeOf("c"));
        await ConsumeAsync("a", "c");
        Assert.Empty(near.Pipes);

        // Nobody missed a number: what is not for a participant is replaced.
        foreach (var member in _members.Values)
        {
            var numbers = member.Observer.Events.Select(e => e.Sequence).ToArray();
            Assert.Equal(Enumerable.Range(0, numbers.Length).Select(i => numbers[0] + i), numbers);
        }
    }

    [Fact]
    public async Task LossOfTheFirstNode_LeavesTheOthersWhereTheyAre()
    {
        var (_, far) = await FillTwoNodesAsync();
        var snapshot = await _room.GetSnapshotAsync();
        cluster.KillNode(snapshot.NodeOf("a")!);

        await Eventually.HoldsAsync(() => Moved("a") is not null && Moved("b") is not null, "media-moved");
        Assert.Null(Moved("c"));
        Assert.Equal(snapshot.NodeOf("c"), (await _room.GetSnapshotAsync()).MediaNodeId);
        Assert.Equal(2, far.Consumers.Count);
        Assert.Empty(far.Pipes);
        Assert.NotNull((await _room.CreateTransportAsync("a")).Value);
    }

    [Fact]
    public async Task Takeover_KeepsThePipesAndWhatGoesThroughThem()
    {
        var (near, far) = await FillTwoNodesAsync();
        var pipe = near.Pipes.Keys.Single();
        var commands = Node(near).CommandsSoFar().Length + Node(far).CommandsSoFar().Length;
        await cluster.CollectAsync();
        await _room.GetSnapshotAsync();

        AssertPiped(near, far, ["a", "b"], ["c", "d"]);
        Assert.Equal(pipe, near.Pipes.Keys.Single());
        Assert.Equal(commands, Node(near).CommandsSoFar().Length + Node(far).CommandsSoFar().Length);
        Assert.Equal((6, 6), (near.Consumers.Count, far.Consumers.Count));

        // It knows what it took over.
        await _room.SetVoiceStateAsync("a", muted: true, deafened: false);
        Assert.True(far.Producers[_members["a"].Producer].Paused);
        await _room.CloseProducerAsync("c", _members["c"].Producer);
        AssertPiped(near, far, ["a", "b"], ["d"]);
    }

    [Fact]
    public async Task LostReply_OfAPipesCommand_IsMadeGood()
    {
        await TwoNodesAsync();
        await TalkAsync("a");
        await TalkAsync("b");
        await ConsumeAsync("a", "b");
        await ConsumeAsync("b", "a");
        await TalkAsync("c");
        Assert.NotNull(Far);
        var distant = Node(Far);
        distant.LosesReplies = true;
        Assert.Equal(FaultCode.Unavailable, (await TryConsumeAsync("c", "a")).Fault?.Code);
        distant.LosesReplies = false;

        // What was made and not answered is gone; the next request makes the pipe.
        await Eventually.HoldsAsync(async () => (await TryConsumeAsync("c", "a")).Fault is null, "the consumer");
        AssertPiped(Near!, Far!, ["a"], []);
    }

    [Fact]
    public async Task Slots_BringEveryVoice_AlsoLaterOnes_AndSpeakersOfAllNodesAreOne()
    {
        await TwoNodesAsync();
        await TalkAsync("a");
        await TalkAsync("b");
        await ConsumeAsync("a", "b");
        await ConsumeAsync("b", "a");
        await TalkAsync("c");
        await _room.ConsumeLoudestAsync("c", new ConsumeLoudestRequest(_members["c"].Transport, ["{}", "{}"]));
        AssertPiped(Near!, Far!, ["a", "b"], []);

        // Another voice of the first node.
        var more = (await _room.ProduceAsync("a", new ProduceRequest(_members["a"].Transport, MediaKind.Audio, "{}"))).Value!;
        Assert.Contains(more, Far!.Producers.Keys);

        // A picture is nobody's wish.
        var picture = (await _room.ProduceAsync("a", new ProduceRequest(_members["a"].Transport, MediaKind.Video, "{}"))).Value!;
        Assert.DoesNotContain(picture, Far.Producers.Keys);

        var snapshot = await _room.GetSnapshotAsync();
        await _room.ReportAsync(new MediaReport(cluster.NodeId(snapshot.NodeOf("a")!), 1, [new Speaker("a", -30)], []));
        await _room.ReportAsync(new MediaReport(cluster.NodeId(snapshot.NodeOf("c")!), 1, [new Speaker("c", -20)], []));
        await Eventually.HoldsAsync(
            () => _members["b"].Observer.Events.OfType<SpeakersChanged>().LastOrDefault()?.Speakers is [{ ParticipantId: "c" }, { ParticipantId: "a" }],
            "the speakers of both nodes");
        Assert.Equal(["a", "c"], (await _room.GetSnapshotAsync()).Speaking!.Order());
    }

    [Fact]
    public async Task Statistics_OfTwoNodes_AreOneReport()
    {
        await FillTwoNodesAsync();
        await cluster.CollectAsync();
        var audio = (await _room.GetAudioStatisticsAsync()).Value!;

        // Two clients at each node, and no pipe among them; a node with one more weighs more in the mean.
        Assert.Equal((4, 400, 4, 404), (audio.Clients, audio.PacketsReceived, audio.PacketsLost, audio.PacketsExpected));
        Assert.Equal((2, 2, 2), (audio.JitterMilliseconds, audio.RoundTripP50Milliseconds, audio.RoundTripP99Milliseconds));
        await _room.CloseTransportAsync("d", _members["d"].Transport);
        Assert.Equal(5 / 3d, (await _room.GetAudioStatisticsAsync()).Value!.JitterMilliseconds, 0.001);

        // A node that does not answer makes no half a report.
        Node(Far).DropsCommands = true;
        Assert.Equal(FaultCode.Unavailable, (await _room.GetAudioStatisticsAsync()).Fault?.Code);
        Node(Far).DropsCommands = false;
        await Eventually.HoldsAsync(async () => (await _room.GetAudioStatisticsAsync()).Value?.Clients == 3, "the report of both again");
    }

    [Fact]
    public async Task NodeThatNobodyIsOnAnyMore_IsGivenBack()
    {
        await FillTwoNodesAsync();
        await _room.LeaveAsync("c", LeaveReason.Left);
        await _room.LeaveAsync("d", LeaveReason.Left);
        await Eventually.HoldsAsync(() => Far is null && Near!.Pipes.Count == 0, "the room's end at the second node, and the pipe's at the first");
        Assert.Equal(2, Near!.Consumers.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NodeFullOfTransports_IsPassedOverForAnother_AndWhereAllAreFullTheRefusalSaysSo(bool relay)
    {
        await TwoNodesAsync();
        var nodes = new[] { cluster.Node("first"), cluster.Node("second") };
        Array.ForEach(nodes, n => n.MaxTransports = 1);
        await TalkAsync("a");
        await JoinAsync("b");
        Assert.Null((await CreateAsync("b")).Fault);
        var snapshot = await _room.GetSnapshotAsync();
        Assert.NotEqual(snapshot.NodeOf("a"), snapshot.NodeOf("b"));
        if (!relay)
        {
            await ConsumeAsync("b", "a");
            Assert.Single(Near!.Pipes);
        }

        // Both are full. It is a matter of time, and nobody is left over at a node that does not take him.
        await JoinAsync("c");
        var refused = (await CreateAsync("c")).Fault!;
        Assert.Equal(FaultCode.Unavailable, refused.Code);
        Assert.Contains("no room for another transport", refused.Message, StringComparison.Ordinal);
        Assert.Equal(FaultCode.Unavailable, (await _room.CreateTransportAsync("a")).Fault?.Code);
        Assert.Equal(2, nodes.Sum(n => n.Find(_room.GetPrimaryKeyString())?.Transports.Count));

        // Where there is room again he is let in, once the node's word has aged.
        cluster.Node(snapshot.NodeOf("a")!).MaxTransports = 2;
        await Eventually.HoldsAsync(async () => (await CreateAsync("c")).Fault is null, "the transport");
        Assert.Equal(snapshot.NodeOf("a"), (await _room.GetSnapshotAsync()).NodeOf("c"));

        async Task<Outcome<Done>> CreateAsync(string name)
        {
            if (relay)
            {
                var opened = await _room.CreateRelayTransportAsync(name, new RelayTransportRequest(new byte[16], new byte[16]));
                return opened.Fault is { } fault ? fault : Done.Instance;
            }

            var created = await _room.CreateTransportAsync(name);
            _members[name].Transport = created.Value?.TransportId ?? "";
            return created.Fault is { } failed ? failed : Done.Instance;
        }
    }

    /// <summary>Four who hear each other, two on each of two nodes of which one takes four consumers.</summary>
    private async Task<(InMemoryMediaNode.HostedRoom Near, InMemoryMediaNode.HostedRoom Far)> FillTwoNodesAsync()
    {
        await TwoNodesAsync();
        foreach (var name in new[] { "a", "b", "c", "d" })
        {
            await TalkAsync(name);
            foreach (var other in _members.Keys.Where(n => n != name).ToArray())
            {
                await ConsumeAsync(name, other);
                await ConsumeAsync(other, name);
            }
        }

        return (Near!, Far!);
    }

    private async Task TwoNodesAsync()
    {
        cluster.StartNode("first").MaxConsumers = 4;
        cluster.StartNode("second").MaxConsumers = 4;
        await cluster.FleetSettlesAsync();
    }

    private async Task<Member> JoinAsync(string name)
    {
        if (!_members.TryGetValue(name, out var member))
        {
            member = _members[name] = new Member();
            var joined = await _room.JoinAsync(
                new JoinRoom(name, Guid.NewGuid(), name, name, "test"), cluster.Grains.CreateObjectReference<IRoomObserver>(member.Observer));
            Assert.Null(joined.Fault);
        }

        return member;
    }

    private async Task TalkAsync(string name)
    {
        var member = await JoinAsync(name);
        member.Transport = (await _room.CreateTransportAsync(name)).Value!.TransportId;
        member.Producer = (await _room.ProduceAsync(name, new ProduceRequest(member.Transport, MediaKind.Audio, "{}"))).Value!;
    }

    private async Task ConsumeAsync(string name, string other) => Assert.Null((await TryConsumeAsync(name, other)).Fault);

    private Task<Outcome<ConsumerCreated>> TryConsumeAsync(string name, string other) =>
        _room.ConsumeAsync(name, new ConsumeRequest(_members[name].Transport, _members[other].Producer, "{}"));

    private MediaMoved? Moved(string name) => _members[name].Observer.Events.OfType<MediaMoved>().FirstOrDefault();

    private InMemoryMediaNode.HostedRoom? Near => Hosts().FirstOrDefault(r => r.Transports.Values.Contains("a"));

    private InMemoryMediaNode.HostedRoom? Far => Hosts().FirstOrDefault(r => !r.Transports.Values.Contains("a"));

    private IEnumerable<InMemoryMediaNode.HostedRoom> Hosts() =>
        new[] { "first", "second" }.Select(n => cluster.Node(n).Find(_room.GetPrimaryKeyString())).OfType<InMemoryMediaNode.HostedRoom>();

    private InMemoryMediaNode Node(InMemoryMediaNode.HostedRoom? room) =>
        new[] { "first", "second" }.Select(cluster.Node).Single(n => n.Find(_room.GetPrimaryKeyString()) == room);

    private void AssertPiped(InMemoryMediaNode.HostedRoom near, InMemoryMediaNode.HostedRoom far, string[] fromNear, string[] fromFar)
    {
        var (id, one) = Assert.Single(near.Pipes);
        var other = far.Pipes[id];
        Assert.Single(far.Pipes);
        Assert.NotNull(one.Remote);
        Assert.NotNull(other.Remote);
        Assert.NotEqual(one.Remote, other.Remote);
        Assert.Equal(fromNear.Select(n => _members[n].Producer).Order(), one.Out.Order());
        Assert.Equal(one.Out.Order(), far.InOf(id).Order());
        Assert.Equal(fromFar.Select(n => _members[n].Producer).Order(), other.Out.Order());
        Assert.Equal(other.Out.Order(), near.InOf(id).Order());
    }

    private sealed class Member
    {
        public RecordingObserver Observer { get; } = new();

        public string Transport { get; set; } = "";

        public string Producer { get; set; } = "";
    }
}
