using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media;
using VoiceCluster.Media.Routing;
using VoiceCluster.MediaNode.Recording;
using VoiceCluster.MediaNode.Tests.Io;

namespace VoiceCluster.MediaNode.Tests.Control;

/// <summary>One room on several workers of a node, with real sockets. Its grain commands it like any other.</summary>
public sealed class SpreadTests : IAsyncLifetime
{
    private const string Video = """
        {"mid":"1","codecs":[{"mimeType":"video/VP8","payloadType":96,"clockRate":90000,"parameters":{},
          "rtcpFeedback":[{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"}]}],
         "headerExtensions":[],"encodings":[{"ssrc":9}],"rtcp":{"cname":"alice"}}
        """;

    private SpreadNode _node = null!;

    public async Task InitializeAsync() => _node = await SpreadNode.StartAsync(workers: 3);

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Room_OverThreeWorkers_EverybodyHearsEverybody_AndItsGrainSeesOneRoom()
    {
        var people = new[] { await _node.JoinAsync("alice"), await _node.JoinAsync("bob"), await _node.JoinAsync("carol") };
        Assert.Equal(3, people.Select(p => p.Worker).Distinct().Count());

        foreach (var speaker in people)
        {
            var before = people.Select(p => p.Client.RtpReceived).ToArray();
            SpreadNode.RunUntil(() => speaker.Speaker.Run() && people.Select((p, i) => p == speaker || p.Client.RtpReceived > before[i] + 20).All(x => x), people);
            SpreadNode.RunUntil(() => speaker.Speaker.Run() && _node.Speakers is [var loudest] && loudest == speaker.Name, people);
        }

        SpreadNode.RunUntil(() => people.All(p => p.Speaker.Sent == _node.Ask(p.Name, s => s.RtpPacketsReceived)), people);
        SpreadNode.RunUntil(() => (_node.Sum(s => s.Routers), _node.Sum(s => s.Branches), _node.Sum(s => s.WorkerPipes)) == (1, 2, 6), people);
        SpreadNode.RunUntil(() => (_node.Sum(s => s.Producers), _node.Sum(s => s.Consumers), _node.Sum(s => s.Transports)) == (3, 3, 3), people);
        Assert.Equal(0, _node.Dropped(DropReason.PipeFull));
        var audio = (await _node.RunAsync<AudioReported>(new ReportAudio())).Statistics;
        Assert.Equal((3, people.Sum(p => (long)p.Speaker.Sent)), (audio.Clients, audio.PacketsReceived));

        foreach (var person in people)
        {
            await _node.RunAsync<MediaDone>(new CloseTransport(person.Name));
        }

        SpreadNode.RunUntil(() => _node.IsEmpty, people);
        Assert.Equal(1, _node.Control.RoomCount);

        // What was counted at the other workers is not forgotten with them.
        audio = (await _node.RunAsync<AudioReported>(new ReportAudio())).Statistics;
        Assert.Equal((0, people.Sum(p => (long)p.Speaker.Sent)), (audio.Clients, audio.PacketsReceived));
    }

    [Fact]
    public async Task Consumer_OfAnotherWorkersProducer_FollowsPauseResumeAndClose_AndThePipeGoesWithIt()
    {
        var people = await PairAsync();
        var (alice, bob) = (people[0], people[1]);
        await _node.RunAsync<ConsumerOpened>(new CreateConsumer("c", "bob", alice.Producer, "", false, SpreadNode.Negotiated));
        Hear();

        await _node.RunAsync<MediaDone>(new SetProducerPaused(alice.Producer, true));
        Silent("alice", DropReason.ProducerPaused);
        Assert.True((await _node.RunAsync<ConsumerOpened>(new CreateConsumer("c", "bob", alice.Producer, "", false, SpreadNode.Negotiated))).ProducerPaused);
        await _node.RunAsync<MediaDone>(new SetProducerPaused(alice.Producer, false));
        Hear();
        await _node.RunAsync<MediaDone>(new SetConsumerPaused("c", true));
        Silent("bob", DropReason.ConsumerSkipped);
        await _node.RunAsync<MediaDone>(new SetConsumerPaused("c", false));
        Hear();

        // The last one leaves: the pipe closes. Another comes: it opens again.
        await _node.RunAsync<MediaDone>(new CloseConsumer("c"));
        SpreadNode.RunUntil(() => _node.Sum(s => s.WorkerPipes) == 0, people);
        await _node.RunAsync<ConsumerOpened>(new CreateConsumer("c2", "bob", alice.Producer, "", false, SpreadNode.Negotiated));
        Hear();
        await _node.RunAsync<MediaDone>(new CloseProducer(alice.Producer));
        await _node.RefusedAsync(FaultCode.NotFound, new SetConsumerPaused("c2", true));
        await _node.RefusedAsync(FaultCode.NotFound, new CreateConsumer("c3", "bob", alice.Producer, "", false, SpreadNode.Negotiated));
        SpreadNode.RunUntil(() => _node.Sum(s => s.WorkerPipes) == 0 && _node.Sum(s => s.Consumers) == 1, people);

        void Hear()
        {
            var before = bob.Client.RtpReceived;
            SpreadNode.RunUntil(() => alice.Speaker.Run() && bob.Client.RtpReceived > before + 20, people);
        }

        void Silent(string transport, DropReason reason)
        {
            var (sent, dropped) = (_node.Ask("bob", s => s.RtpPacketsSent), _node.Ask(transport, s => s.Dropped(reason)));
            SpreadNode.RunUntil(() => alice.Speaker.Run() && _node.Ask(transport, s => s.Dropped(reason)) >= dropped + 20, people);

            // What was on its way when it was paused, and frames of silence.
            Assert.InRange(_node.Ask("bob", s => s.RtpPacketsSent) - sent, 0, 8);
        }
    }

    [Fact]
    public async Task KeyFrame_ThatAnotherWorkersConsumerNeeds_IsAskedOfTheSender()
    {
        var people = await PairAsync();
        await _node.RunAsync<MediaDone>(new CreateProducer("v", "alice", MediaKind.Video, Video, false));
        await _node.RunAsync<ConsumerOpened>(new CreateConsumer("c", "bob", "v", Router.RtpCapabilities.ToJson(), false));
        SpreadNode.RunUntil(() => _node.Ask("alice", s => s.KeyFrameRequestsSent) > 0, people);
    }

    [Fact]
    public async Task Packets_AtAModerateRate_AllArrive()
    {
        const int Packets = 5_000;
        var people = await PairAsync();
        var (alice, bob) = (people[0], people[1]);
        await _node.RunAsync<ConsumerOpened>(new CreateConsumer("c", "bob", alice.Producer, "", false, SpreadNode.Negotiated));
        SpreadNode.RunUntil(
            () =>
            {
                // As fast as they come through, with so few on their way that no socket's buffer is full.
                while (alice.Speaker.Sent < Packets && alice.Speaker.Sent - bob.Client.RtpReceived < 50)
                {
                    alice.Speaker.Send();
                }

                return bob.Client.RtpReceived == Packets;
            },
            people);
        Assert.Equal(Packets, _node.Ask("bob", s => s.RtpPacketsSent));
        Assert.Equal(0, _node.Dropped(DropReason.PipeFull));
    }

    [Fact]
    public async Task TopSpeakers_AreTheSameAtEveryWorker_AlsoWhenTheLimitChanges()
    {
        _node.TopSpeakers = 1;
        var people = new[] { await _node.JoinAsync("alice", level: 30), await _node.JoinAsync("bob", level: 15), await _node.JoinAsync("carol") };
        Assert.Equal(3, people.Select(p => p.Worker).Distinct().Count());
        await _node.RunAsync<MediaDone>(new CloseConsumer("s-carol"));
        await _node.RunAsync<ConsumerOpened>(new CreateConsumer("a", "carol", people[0].Producer, "", false, SpreadNode.Negotiated));
        await _node.RunAsync<ConsumerOpened>(new CreateConsumer("b", "carol", people[1].Producer, "", false, SpreadNode.Negotiated));
        Assert.Equal([1, 1, 1], _node.InEachPart(r => r.TopSpeakers));
        SpreadNode.RunUntil(
            () => people[0].Speaker.Run() && people[1].Speaker.Run() && _node.InEachPart(r => r.Producers.Values.Count(p => !p.IsHeldBack)).All(n => n == 1) && Loudest(), people);

        _node.TopSpeakers = 2;
        await _node.RunAsync<RoomOpened>(new OpenRoom());
        Assert.Equal([2, 2, 2], _node.InEachPart(r => r.TopSpeakers));

        bool Loudest() => _node.InEachPart(r => r.Producers.TryGetValue(people[1].Producer, out var p) && p.IsHeldBack ? 1 : 0).All(n => n == 0);
    }

    [Fact]
    public async Task Worker_ThatEnds_TakesItsParticipants_AndTheRoomGoesOn()
    {
        var people = new[] { await _node.JoinAsync("alice"), await _node.JoinAsync("bob"), await _node.JoinAsync("carol") };
        var lost = people[1];
        SpreadNode.RunUntil(() => _node.States.Any(t => t is { TransportId: "bob", State: MediaTransportState.Connected }), people);
        await _node.Runtime.Workers[lost.Worker].DisposeAsync();
        SpreadNode.RunUntil(() => _node.States.Any(t => t is { TransportId: "bob", State: MediaTransportState.Closed }), people);

        // The others hear each other, and he comes again, to a worker that lives.
        var before = people[2].Client.RtpReceived;
        SpreadNode.RunUntil(() => people[0].Speaker.Run() && people[2].Client.RtpReceived > before + 20, people);
        var again = await _node.JoinAsync("bob again");
        Assert.NotEqual(lost.Worker, again.Worker);
        before = again.Client.RtpReceived;
        SpreadNode.RunUntil(() => people[0].Speaker.Run() && again.Client.RtpReceived > before + 20, [people[0], people[2], again]);
        var adopted = (await _node.Control.AdoptAsync(_node.Header(2), ["alice", "carol", "bob again"])).Value!;
        Assert.Equal(["alice", "bob again", "carol"], adopted.Transports.Select(t => t.TransportId).Order());
    }

    [Fact]
    public async Task HomesWorker_ThatEnds_EndsTheRoomAtTheOthers()
    {
        var people = await PairAsync();
        SpreadNode.RunUntil(() => _node.Sum(s => s.Branches) == 1, people);
        await _node.Runtime.Workers[people[0].Worker].DisposeAsync();
        SpreadNode.RunUntil(() => _node.Sum(s => s.Branches) == 0, people);
        await _node.RefusedAsync(FaultCode.Unavailable, new CloseTransport("bob"));
    }

    [Fact]
    public async Task Adopt_And_Reconcile_SeeAllPartsAsOne()
    {
        var people = new[] { await _node.JoinAsync("alice"), await _node.JoinAsync("bob"), await _node.JoinAsync("carol") };
        await _node.RunAsync<ConsumerOpened>(new CreateConsumer("c", "carol", people[0].Producer, "", false, SpreadNode.Negotiated));
        SpreadNode.RunUntil(() => people[1].Speaker.Run() && _node.Speakers is ["bob"], people);

        var adopted = (await _node.Control.AdoptAsync(_node.Header(2), ["alice", "bob", "carol"])).Value!;
        Assert.Equal(["alice", "bob", "carol"], adopted.Transports.Select(t => t.ParticipantId).Order());
        Assert.All(adopted.Transports, t => Assert.Equal(MediaTransportState.Connected, t.State));
        Assert.Equal(["p-alice", "p-bob", "p-carol"], adopted.Producers.Select(p => p.ProducerId).Order());
        Assert.Equal(["c", "s-alice", "s-bob", "s-carol"], adopted.Consumers.Select(c => c.ConsumerId).Order());
        Assert.Equal(["bob"], adopted.Speakers!.Select(s => s.ParticipantId));
        Assert.Empty(adopted.Pipes!);

        // A stale twin commands no part, whichever has the object.
        foreach (var person in people)
        {
            await _node.RefusedAsync(FaultCode.Superseded, new CloseTransport(person.Name), epoch: 1);
        }

        // Carol has left; the consumer of a producer that is not wanted goes with it.
        var desired = new DesiredRoom(
            [new DesiredTransport("alice", "alice"), new DesiredTransport("bob", "bob"), new DesiredTransport("x", "x")],
            [new DesiredProducer("p-bob", "bob", true), new DesiredProducer("q", "x", false)],
            [new DesiredConsumer("s-alice", "alice", "", false), new DesiredConsumer("s-bob", "bob", "", true), new DesiredConsumer("d", "bob", "q", false)]);
        var reconciled = (await _node.Control.ReconcileAsync(_node.Header(2), desired)).Value!;
        Assert.Equal((["x"], ["q"], ["d"]), (reconciled.MissingTransports, reconciled.MissingProducers, reconciled.MissingConsumers), Same);
        adopted = (await _node.Control.AdoptAsync(_node.Header(3), ["alice", "bob"])).Value!;
        Assert.Equal([("p-bob", true)], adopted.Producers.Select(p => (p.ProducerId, p.Paused)));
        Assert.Equal([("s-alice", false), ("s-bob", true)], adopted.Consumers.OrderBy(c => c.ConsumerId).Select(c => (c.ConsumerId, c.Paused)));
        Assert.All(_node.InEachPart(r => r.Producers.Values.Count(p => !p.IsPaused)), n => Assert.Equal(0, n));

        static bool Same((string[] T, string[] P, string[] C) x, (string[] T, string[] P, string[] C) y) =>
            x.T.SequenceEqual(y.T) && x.P.SequenceEqual(y.P) && x.C.SequenceEqual(y.C);
    }

    [Fact]
    public async Task Commands_Repeated_AreAnsweredAsBefore_AndThoseWithoutSenseAreRefused()
    {
        await PairAsync();
        var transport = new CreateWebRtcTransport("t", "bob");
        Assert.Equal(await _node.RunAsync<TransportOpened>(transport), await _node.RunAsync<TransportOpened>(transport));
        Assert.Equal(_node.WorkerOf("bob"), _node.WorkerOf("t"));
        var consume = new CreateConsumer("c", "bob", "p-alice", "", false, SpreadNode.Negotiated);
        Assert.Equal(await _node.RunAsync<ConsumerOpened>(consume), await _node.RunAsync<ConsumerOpened>(consume));
        await _node.RunAsync<MediaDone>(new CreateProducer("p-bob", "bob", MediaKind.Audio, SpreadNode.Audio, false));

        await _node.RefusedAsync(FaultCode.Conflict, consume with { TransportId = "alice" });
        await _node.RefusedAsync(FaultCode.Conflict, new CreateProducer("p-bob", "alice", MediaKind.Audio, SpreadNode.Audio, false));
        await _node.RefusedAsync(FaultCode.Conflict, new CreateProducer("p-alice", "bob", MediaKind.Audio, SpreadNode.Audio, false));
        await _node.RefusedAsync(FaultCode.Conflict, new CreateWebRtcTransport("bob", "eve"));
        await _node.RefusedAsync(FaultCode.NotFound, consume with { ConsumerId = "d", ProducerId = "x" });
        await _node.RefusedAsync(FaultCode.NotFound, consume with { ConsumerId = "d", TransportId = "x" });
        await _node.RefusedAsync(FaultCode.NotFound, new RestartIce("x"));
        await _node.RefusedAsync(FaultCode.NotFound, new SetProducerPaused("x", true));
        await _node.RefusedAsync(FaultCode.NotFound, new SetConsumerPaused("x", true));
        await _node.RefusedAsync(FaultCode.Invalid, consume with { ConsumerId = "d", NegotiatedRtpParametersJson = "[]" });
        Assert.NotNull(await _node.RunAsync<IceRestarted>(new RestartIce("bob")));
        await _node.RunAsync<MediaDone>(new SetMaxVideoBitrate("bob", 500_000));
        await _node.RunAsync<MediaDone>(new SetPreferredLayers("c", 0, 0));
        await _node.RunAsync<MediaDone>(new SetConsumerPriority("c", 5));
    }

    [Fact]
    public async Task CloseRoom_ClosesEveryPart_AndTheSameNameOpensAnew()
    {
        await _node.JoinAsync("alice");
        await _node.JoinAsync("bob");
        await _node.RunAsync<MediaDone>(new CloseRoom());
        Assert.Equal((0, 0, 0, 0, 0), (_node.Control.RoomCount, _node.Sum(s => s.Routers), _node.Sum(s => s.Branches), _node.Sum(s => s.Transports), _node.Sum(s => s.WorkerPipes)));
        await _node.JoinAsync("carol");
        await _node.JoinAsync("dave");
        Assert.Equal((1, 1), (_node.Sum(s => s.Routers), _node.Sum(s => s.Branches)));
        await _node.Control.CloseIdleAsync(TimeSpan.Zero);
        Assert.Equal(1, _node.Control.RoomCount);
    }

    [Fact]
    public async Task PipeToAnotherNode_CarriesWhatIsAtEveryWorker_AndWhatComesReachesThemAll()
    {
        var people = await PairAsync();
        await using var other = await NodeFixture.StartAsync(new MediaNodeOptions { PortRange = "22000-22999", Workers = 1, Name = "other" });
        var near = await _node.RunAsync<PipeTransportOpened>(new CreatePipeTransport("pipe"));
        var far = await other.RunAsync<PipeTransportOpened>(new CreatePipeTransport("pipe"));
        await _node.RunAsync<MediaDone>(new ConnectPipeTransport("pipe", far.Local));
        await other.RunAsync<MediaDone>(new ConnectPipeTransport("pipe", near.Local));

        // Bob is at the worker where the pipe is not; so is who hears what comes.
        Assert.NotEqual(_node.WorkerOf("pipe"), people[1].Worker);
        await _node.RunAsync<MediaDone>(new CreateProducer("p-bob", "bob", MediaKind.Audio, SpreadNode.Audio, false));
        var piped = await _node.RunAsync<PipeConsumerOpened>(new CreatePipeConsumer("pipe", "p-bob"));
        await other.RunAsync<MediaDone>(new CreatePipeProducer("pipe", "p-bob", piped.Kind, piped.RtpParametersJson, false, "bob"));
        var opened = await other.RunAsync<TransportOpened>(new CreateWebRtcTransport("zoe", "zoe"));
        using var zoe = new SocketClient(opened.DescriptionJson);
        await other.RunAsync<MediaDone>(new ConnectWebRtcTransport("zoe", zoe.DtlsParametersJson));
        await other.RunAsync<MediaDone>(new CreateProducer("p-zoe", "zoe", MediaKind.Audio, SpreadNode.Audio, false));
        await other.RunAsync<ConsumerOpened>(new CreateConsumer("c", "zoe", "p-bob", "", false, SpreadNode.Negotiated));
        var back = await other.RunAsync<PipeConsumerOpened>(new CreatePipeConsumer("pipe", "p-zoe"));
        var produce = new CreatePipeProducer("pipe", "p-zoe", back.Kind, back.RtpParametersJson, false, "zoe");
        await _node.RunAsync<MediaDone>(produce);
        await _node.RunAsync<ConsumerOpened>(new CreateConsumer("z", "bob", "p-zoe", "", false, SpreadNode.Negotiated));
        var speaker = new LoudSpeaker(zoe);
        var (bob, all) = (people[1], (SocketClient[])[.. people.Select(p => p.Client), zoe]);
        SocketClient.RunUntil(() => bob.Speaker.Run() && zoe.RtpReceived > 20, all);
        var before = bob.Client.RtpReceived;
        SocketClient.RunUntil(() => speaker.Run() && bob.Client.RtpReceived > before + 20, all);

        // Paused where it comes from, it is so here; and the end of the pipe is its end at every worker.
        await _node.RunAsync<MediaDone>(produce with { Paused = true });
        Assert.All(_node.InEachPart(r => r.Producers.TryGetValue("p-zoe", out var p) && !p.IsPaused ? 1 : 0), n => Assert.Equal(0, n));
        await _node.RunAsync<MediaDone>(new ClosePipeTransport("pipe"));
        SocketClient.RunUntil(() => _node.InEachPart(r => r.Producers.ContainsKey("p-zoe") ? 1 : 0).Sum() == 0, all);
    }

    [Fact]
    public async Task Recording_HasTheVoicesOfEveryWorker_AlsoOfOneWhoComesLater()
    {
        var directory = Directory.CreateTempSubdirectory("recordings");
        try
        {
            await using var node = await SpreadNode.StartAsync(workers: 2, recording: new RecordingOptions { Path = directory.FullName });
            var id = Guid.NewGuid();
            List<SpreadNode.Person> people = [await node.JoinAsync("alice"), await node.JoinAsync("bob")];
            Assert.NotEqual(people[0].Worker, people[1].Worker);
            await node.RunAsync<MediaDone>(new StartRecording(id, new RecordingPlan(true, false, false, TimeSpan.FromHours(1), 1L << 30)));
            people.Add(await node.JoinAsync("carol"));
            var until = people.Max(p => p.Speaker.Sent) + 60;
            SpreadNode.RunUntil(() => people.All(p => p.Speaker.Run()) && people.All(p => p.Speaker.Sent >= until), people);
            await node.RunAsync<MediaDone>(new StopRecording(id));
            SpreadNode.RunUntil(() => node.Node.Recordings.Any(r => r.Report.Status == RecordingStatus.Stopped), people);
            var files = node.Node.Recordings.Last(r => r.Report.Status == RecordingStatus.Stopped).Report.Files;
            Assert.Equal(["alice", "bob", "carol"], files.Select(f => f.ParticipantId).Order());
            Assert.All(files, f => Assert.True(f is { IsComplete: true, Size: > 100 }));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Mix_AtEveryWorker_HasTheOthersVoices_AndEndsWithThem()
    {
        var people = new[] { await _node.JoinAsync("alice", slots: 0), await _node.JoinAsync("bob", slots: 0), await _node.JoinAsync("carol", slots: 0) };
        Assert.Single(people.Select(p => p.Worker).Distinct());
        foreach (var person in people)
        {
            await _node.RunAsync<ConsumerOpened>(new CreateMixConsumer($"m-{person.Name}", person.Name, SpreadNode.Negotiated, false));
        }

        var dave = await _node.JoinAsync("dave", slots: 0);
        Assert.NotEqual(people[0].Worker, dave.Worker);
        await _node.RunAsync<ConsumerOpened>(new CreateMixConsumer("m-dave", "dave", SpreadNode.Negotiated, false));
        SpreadNode.Person[] all = [.. people, dave];
        var before = all.Select(p => p.Client.RtpReceived).ToArray();
        SpreadNode.RunUntil(() => dave.Speaker.Run() && people.Select((p, i) => p.Client.RtpReceived > before[i] + 20).All(x => x), all);
        before = all.Select(p => p.Client.RtpReceived).ToArray();
        SpreadNode.RunUntil(() => people[0].Speaker.Run() && dave.Client.RtpReceived > before[3] + 20, all);
        await _node.RunAsync<MediaDone>(new CloseTransport("dave"));
        SpreadNode.RunUntil(() => _node.Sum(s => s.WorkerPipes) + _node.Sum(s => s.Branches) == 0, all);
    }

    [Fact]
    public async Task Worker_FullOfTransports_RoomGoesOnAtAnother()
    {
        await using var node = await SpreadNode.StartAsync(workers: 3, limit: 1_000, maxTransports: 2);
        var people = new List<SpreadNode.Person>();
        foreach (var name in new[] { "alice", "bob", "carol", "dave", "erin" })
        {
            people.Add(await node.JoinAsync(name));
        }

        Assert.Equal([1, 2, 2], people.CountBy(p => p.Worker).Select(w => w.Value).Order());
        foreach (var speaker in people)
        {
            var before = people.Select(p => p.Client.RtpReceived).ToArray();
            SpreadNode.RunUntil(() => speaker.Speaker.Run() && people.Select((p, i) => p == speaker || p.Client.RtpReceived > before[i] + 5).All(x => x), people);
        }

        // A further transport of hers has no room at her worker: it is at the last one that has.
        await node.RunAsync<TransportOpened>(new CreateWebRtcTransport("more", "alice"));
        Assert.Equal(people[^1].Worker, node.WorkerOf("more"));

        // Now all are full, for this room and for any other, and say so; the same command again changes nothing.
        await node.RefusedAsync(FaultCode.Full, new CreateWebRtcTransport("frank", "frank"));
        await node.RefusedAsync(FaultCode.Full, new CreateWebRtcTransport("gina", "gina"), room: "another");
        await node.RunAsync<TransportOpened>(new CreateWebRtcTransport("more", "alice"));
        Assert.Equal(6, node.Sum(s => s.Transports));

        // Who leaves makes room, wherever that is; another room is at home where there is some.
        await node.RunAsync<MediaDone>(new CloseTransport("bob"));
        await node.RunAsync<TransportOpened>(new CreateWebRtcTransport("frank", "frank"));
        Assert.Equal(people[1].Worker, node.WorkerOf("frank"));
        await node.RunAsync<MediaDone>(new CloseTransport("more"));
        await node.RunAsync<TransportOpened>(new CreateWebRtcTransport("gina", "gina"), "third");
        Assert.Equal(people[^1].Worker, node.WorkerOf("gina", "third"));
    }

    [Fact]
    public async Task RelayClients_AndBrowserAtAnotherWorker_HearEachOther()
    {
        await using var node = await SpreadNode.StartAsync(workers: 2, relay: new RelayOptions { UdpPort = 0 });
        var channel = Guid.NewGuid();
        var room = channel.ToString();

        // The native client is where the relay port's datagrams of the channel come in, which is the room's home, and so is alice; bob is not.
        using var native = await NativePeer.JoinAsync(node.Node, channel, "native");
        await node.RunAsync<MediaDone>(new CreateProducer("p-native", "native", MediaKind.Audio, native.Media.ProducerRtpParametersJson, false), room);
        var alice = await node.JoinAsync("alice", room);
        var bob = await node.JoinAsync("bob", room);
        Assert.Equal(node.WorkerOf("native", room), alice.Worker);
        Assert.NotEqual(alice.Worker, bob.Worker);
        var consume = new CreateConsumer("native-bob", "native", "p-bob", native.Media.RtpCapabilitiesJson, false, SourceUserId: Guid.NewGuid());
        await node.RunAsync<ConsumerOpened>(consume, room);
        await node.RunAsync<ConsumerOpened>(new CreateConsumer("bob-native", "bob", "p-native", "", false, SpreadNode.Negotiated), room);
        await HearEachOtherAsync();

        // Muted by its producer and by its consumer, across the workers.
        await node.RunAsync<MediaDone>(new SetProducerPaused("p-bob", true), room);
        await node.RunAsync<MediaDone>(new SetProducerPaused("p-bob", false), room);
        await HearEachOtherAsync();

        // Bob's worker ends: he is gone, and the native client and alice talk on. He comes again.
        await node.Runtime.Workers[bob.Worker].DisposeAsync();
        SpreadNode.RunUntil(() => node.Sum(s => s.WorkerPipes) - node.Runtime.Workers[bob.Worker].Worker.Stats.WorkerPipes == 0, alice);
        bob = await node.JoinAsync("bob again", room);
        Assert.Equal(alice.Worker, bob.Worker);
        await node.RunAsync<ConsumerOpened>(consume with { ConsumerId = "native-bob-2", ProducerId = bob.Producer }, room);
        await node.RunAsync<ConsumerOpened>(new CreateConsumer("bob-native-2", "bob again", "p-native", "", false, SpreadNode.Negotiated), room);
        await HearEachOtherAsync();

        async Task HearEachOtherAsync()
        {
            native.ReceiveSound();
            var heard = 0;
            SpreadNode.RunUntil(() => bob.Speaker.Run() && (heard += native.ReceiveSound()) > 20, bob);
            var before = bob.Client.RtpReceived;
            for (var deadline = DateTime.UtcNow + NativePeer.Deadline; bob.Client.RtpReceived <= before + 20;)
            {
                Assert.True(DateTime.UtcNow < deadline, "The browser does not hear the native client.");
                await native.SpeakAsync(1);
                bob.Client.Run();
            }
        }
    }

    [Fact]
    public async Task Limit_OfZero_KeepsTheRoomOnOneWorker()
    {
        await using var node = await SpreadNode.StartAsync(workers: 2, limit: 0);
        Assert.Equal(node.WorkerOfNew(await node.JoinAsync("alice")), node.WorkerOfNew(await node.JoinAsync("bob")));
        Assert.Equal(0, node.Sum(s => s.WorkerPipes));
    }

    [Fact]
    public async Task SmallRooms_AreNotCutUp_BecauseOthersFillTheWorker()
    {
        await using var node = await SpreadNode.StartAsync(workers: 2, limit: 20);
        for (var i = 0; i < 4; i++)
        {
            await node.JoinAsync($"big {i}", "big", slots: 12);
        }

        await node.JoinAsync("small 1", "small");
        await node.JoinAsync("small 2", "small");
        await node.JoinAsync("small 3", "small");
        Assert.Equal(1, node.Sum(s => s.Branches));
        Assert.Single(new[] { 1, 2, 3 }.Select(i => node.WorkerOf($"small {i}", "small")).Distinct());
    }

    private async Task<SpreadNode.Person[]> PairAsync()
    {
        var alice = await _node.JoinAsync("alice");
        var bob = await _node.JoinAsync("bob", slots: 0, produces: false);
        Assert.NotEqual(alice.Worker, bob.Worker);
        return [alice, bob];
    }
}
