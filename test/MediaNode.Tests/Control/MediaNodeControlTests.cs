using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Engine.Tests;
using VoiceCluster.Media.Transports;
using VoiceCluster.MediaNode.Tests.Io;

namespace VoiceCluster.MediaNode.Tests.Control;

public sealed class MediaNodeControlTests : IAsyncLifetime
{
    private NodeFixture _node = null!;

    public async Task InitializeAsync() => _node = await NodeFixture.StartAsync();

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task OpenRoom_Twice_AnswersTheSame()
    {
        var first = await _node.RunAsync<RoomOpened>(new OpenRoom());
        var second = await _node.RunAsync<RoomOpened>(new OpenRoom());

        Assert.Equal(first, second);
        Assert.Contains("audio/opus", first.RtpCapabilitiesJson);
        Assert.Equal(1, _node.Control.RoomCount);
    }

    [Fact]
    public async Task CloseIdle_ClosesRoomsWithoutTransports_WhichTheirNextCommandOpensAgain()
    {
        await _node.RunAsync<RoomOpened>(new OpenRoom(), "left", epoch: 5);
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"), "used");

        await _node.Control.CloseIdleAsync(TimeSpan.FromHours(1));
        Assert.Equal(2, _node.Control.RoomCount);

        await _node.Control.CloseIdleAsync(TimeSpan.Zero);
        Assert.Equal(1, _node.Control.RoomCount);
        await _node.RefusedAsync(FaultCode.Superseded, new OpenRoom(), "left", epoch: 4);
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("b", "bob"), "left", epoch: 5);
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"), "used");
        Assert.Equal(2, _node.Control.RoomCount);
    }

    [Fact]
    public async Task TopSpeakers_ComeWithEachCommand_AlsoWithOneThatOpensTheRoomAgain()
    {
        foreach (var (limit, command) in ((int, MediaCommand)[])[(3, new OpenRoom()), (0, new OpenRoom()), (5, new CreateWebRtcTransport("a", "alice"))])
        {
            await _node.Control.CloseIdleAsync(TimeSpan.Zero);
            var outcome = await _node.Control.ExecuteAsync(_node.Header("r", 1) with { TopSpeakers = limit }, command);
            Assert.Null(outcome.Fault);
            Assert.Equal(limit, Limit());
        }

        Assert.Null((await _node.Control.AdoptAsync(_node.Header("r", 2) with { TopSpeakers = 2 }, ["alice"])).Fault);
        Assert.Equal(2, Limit());
        Assert.Null((await _node.Control.ReconcileAsync(_node.Header("r", 2) with { TopSpeakers = 4 }, new DesiredRoom([], [], []))).Fault);
        Assert.Equal(4, Limit());

        int Limit() => _node.Runtime.Workers
            .Select(worker => worker.InvokeAsync((w, _) => w.Routers.TryGetValue("r", out var r) ? r.TopSpeakers : 0).GetAwaiter().GetResult())
            .Sum();
    }

    [Fact]
    public async Task Stop_WithoutAnyTimeLeft_FreesThePortsAllTheSame()
    {
        var node = await NodeFixture.StartAsync();
        await node.RunAsync<RoomOpened>(new OpenRoom());

        await node.Runtime.StopAsync(new CancellationToken(canceled: true));

        Assert.All(node.Runtime.Workers, w => Assert.False(w.IsAlive));
        await node.DisposeAsync();
    }

    [Fact]
    public async Task Commands_Repeated_AreAnsweredAsBefore()
    {
        var opened = await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        Assert.Equal(opened, await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice")));
        await _node.RefusedAsync(FaultCode.Conflict, new CreateWebRtcTransport("a", "bob"));

        using var client = new SocketClient(opened.DescriptionJson);
        var connect = new ConnectWebRtcTransport("a", client.DtlsParametersJson);
        await _node.RunAsync<MediaDone>(connect);
        await _node.RunAsync<MediaDone>(connect);
        await _node.RefusedAsync(FaultCode.Conflict, connect with { DtlsParametersJson = connect.DtlsParametersJson.Replace("client", "auto") });

        var produce = Produce("p", "a");
        await _node.RunAsync<MediaDone>(produce);
        await _node.RunAsync<MediaDone>(produce);

        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("b", "bob"));
        await _node.RefusedAsync(FaultCode.Conflict, produce with { TransportId = "b" });
        var capabilities = (await _node.RunAsync<RoomOpened>(new OpenRoom())).RtpCapabilitiesJson;
        var consume = new CreateConsumer("c", "b", "p", capabilities, false);
        var consumer = await _node.RunAsync<ConsumerOpened>(consume);
        Assert.Equal(consumer, await _node.RunAsync<ConsumerOpened>(consume));
        Assert.Equal(MediaKind.Audio, consumer.Kind);

        await _node.RunAsync<MediaDone>(new CloseProducer("p"));
        await _node.RunAsync<MediaDone>(new CloseProducer("p"));
        await _node.RunAsync<MediaDone>(new CloseConsumer("c"));
        await _node.RunAsync<MediaDone>(new CloseTransport("b"));
        await _node.RunAsync<MediaDone>(new CloseTransport("b"));
    }

    [Fact]
    public async Task Commands_OfAClientsMistake_AreRefusedWithAReason()
    {
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));

        await _node.RefusedAsync(FaultCode.NotFound, new ConnectWebRtcTransport("x", "{}"));
        await _node.RefusedAsync(FaultCode.Invalid, new ConnectWebRtcTransport("a", "{}"));
        await _node.RefusedAsync(FaultCode.NotFound, new RestartIce("x"));
        await _node.RefusedAsync(FaultCode.NotFound, Produce("p", "x"));
        await _node.RefusedAsync(FaultCode.Invalid, Produce("p", "a") with { RtpParametersJson = "[]" });
        await _node.RefusedAsync(FaultCode.Invalid, new CreateConsumer("c", "a", "p", "nonsense", false));
        await _node.RefusedAsync(FaultCode.NotFound, new SetProducerPaused("x", true));
        await _node.RefusedAsync(FaultCode.NotFound, new SetConsumerPaused("x", true));
        await _node.RefusedAsync(FaultCode.NotFound, new SetPreferredLayers("x", 1, null));
        await _node.RefusedAsync(FaultCode.NotFound, new SetConsumerPriority("x", 1));
        await _node.RefusedAsync(FaultCode.NotFound, new SetMaxVideoBitrate("x", 1_000_000));
        await _node.RefusedAsync(FaultCode.Invalid, new SetMaxVideoBitrate("a", 0));
        await _node.RefusedAsync(FaultCode.NotFound, new SetTransportBitrates("x", new TransportBitrates(1_000_000)));
        await _node.RefusedAsync(FaultCode.Invalid, new SetTransportBitrates("a", new TransportBitrates(MaxIncoming: -1)));
    }

    [Fact]
    public async Task Bitrates_OfATransport_AreKeptAndToldToTheNextActivation_AndReconciled()
    {
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice", Bitrates: new TransportBitrates(500_000)));
        Assert.Equal(new TransportBitrates(500_000), await AdoptedAsync(2));
        await _node.RunAsync<MediaDone>(new SetTransportBitrates("a", new TransportBitrates(500_000, 100_000, 300_000)), epoch: 2);
        Assert.Equal(new TransportBitrates(500_000, 100_000, 300_000), await AdoptedAsync(3));
        await _node.Control.ReconcileAsync(_node.Header("r", 3), new DesiredRoom([new DesiredTransport("a", "alice")], [], []));
        Assert.Null(await AdoptedAsync(4));

        async Task<TransportBitrates?> AdoptedAsync(long epoch)
            => Assert.Single((await _node.Control.AdoptAsync(_node.Header("r", epoch), ["alice"])).Value!.Transports).Bitrates;
    }

    [Fact]
    public async Task Epoch_OlderThanSeen_IsSuperseded()
    {
        await _node.RunAsync<RoomOpened>(new OpenRoom(), epoch: 5);
        await _node.RefusedAsync(FaultCode.Superseded, new OpenRoom(), epoch: 4);
        Assert.Equal(FaultCode.Superseded, (await _node.Control.AdoptAsync(_node.Header("r", 4), [])).Fault?.Code);

        // A closed room remembers, so that a stale activation does not open it again.
        await _node.RunAsync<MediaDone>(new CloseRoom(), epoch: 5);
        Assert.Equal(0, _node.Control.RoomCount);
        await _node.RefusedAsync(FaultCode.Superseded, new OpenRoom(), epoch: 4);
        Assert.Equal(0, _node.Control.RoomCount);
        await _node.RunAsync<RoomOpened>(new OpenRoom(), epoch: 5);
    }

    [Fact]
    public async Task Sequence_FromBeforeTheReconciliation_IsRefused()
    {
        var late = _node.Header("r", 1);
        await _node.Control.ReconcileAsync(_node.Header("r", 1), new DesiredRoom([], [], []));

        var outcome = await _node.Control.ExecuteAsync(late, new CreateWebRtcTransport("ghost", "alice"));

        Assert.Equal(FaultCode.Conflict, outcome.Fault?.Code);
    }

    [Fact]
    public async Task Adopt_NewActivation_ClosesOtherPeoplesTransportsAndNamesTheRest()
    {
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("b", "bob"));
        await _node.RunAsync<MediaDone>(Produce("p", "a"));

        var adopted = (await _node.Control.AdoptAsync(_node.Header("r", 2), ["alice"])).Value!;

        Assert.Equal([new AdoptedTransport("a", "alice")], adopted.Transports);
        Assert.Equal([new AdoptedProducer("p", "a", MediaKind.Audio, false)], adopted.Producers);
        Assert.Empty(adopted.Consumers);
        await _node.RefusedAsync(FaultCode.NotFound, new RestartIce("b"), epoch: 2);
    }

    [Fact]
    public async Task Reconcile_Desired_ClosesTheRestPausesAndNamesWhatIsMissing()
    {
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("b", "bob"));
        await _node.RunAsync<MediaDone>(Produce("p", "a"));
        await _node.RunAsync<MediaDone>(Produce("q", "a", ssrc: 9));

        var reconciled = (await _node.Control.ReconcileAsync(_node.Header("r", 1), new DesiredRoom(
            [new DesiredTransport("a", "alice"), new DesiredTransport("gone", "carol")],
            [new DesiredProducer("p", "a", true), new DesiredProducer("gone-p", "gone", false)],
            [new DesiredConsumer("gone-c", "gone", "p", false)]))).Value!;

        Assert.Equal(["gone"], reconciled.MissingTransports);
        Assert.Equal(["gone-p"], reconciled.MissingProducers);
        Assert.Equal(["gone-c"], reconciled.MissingConsumers);
        var left = (await _node.Control.AdoptAsync(_node.Header("r", 1), ["alice", "bob"])).Value!;
        Assert.Equal(["a"], left.Transports.Select(t => t.TransportId));
        Assert.Equal([new AdoptedProducer("p", "a", MediaKind.Audio, true)], left.Producers);
    }

    [Fact]
    public async Task Rooms_Many_SpreadOverTheWorkers()
    {
        for (var i = 0; i < 20; i++)
        {
            await _node.RunAsync<RoomOpened>(new OpenRoom(), $"room {i}");
        }

        Assert.All(_node.Runtime.Workers, w => Assert.Equal(10, w.Worker.Stats.Routers));
    }

    [Fact]
    public async Task CloseRoom_WithTransports_FreesEverything()
    {
        for (var i = 0; i < 100; i++)
        {
            await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
            await _node.RunAsync<MediaDone>(Produce("p", "a"));
            await _node.RunAsync<MediaDone>(new CloseRoom());
        }

        Assert.Equal(0, _node.Control.RoomCount);
        Assert.All(_node.Runtime.Workers, w => Assert.Equal((0, 0), (w.Worker.Stats.Transports, w.Worker.Stats.Routers)));
    }

    [Fact]
    public async Task Reports_OfAConnectingTransport_ComeInOrder()
    {
        var opened = await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"), epoch: 3);
        using var client = new SocketClient(opened.DescriptionJson);
        await _node.RunAsync<MediaDone>(new ConnectWebRtcTransport("a", client.DtlsParametersJson), epoch: 3);

        SocketClient.RunUntil(() => States().LastOrDefault() == MediaTransportState.Connected, client);
        client.Rtc.Close();
        SocketClient.RunUntil(() => States().LastOrDefault() == MediaTransportState.Closed, client);

        Assert.Equal(States().Order(), States());
        Assert.All(_node.Reports, r => Assert.Equal(("r", 3L, _node.Identity.Id), (r.Room, r.Report.Epoch, r.Report.Node)));
    }

    [Fact]
    public async Task Reports_WithinTheSpacing_WaitAndComeAsOne()
    {
        var time = new ManualTime();
        await using var node = await NodeFixture.StartAsync(new MediaNodeOptions { PortRange = "21000-21999", Workers = 1 }, time);
        var clients = new List<SocketClient>();
        var movedAt = Stopwatch.GetTimestamp();
        foreach (var id in (string[])["a", "b", "c"])
        {
            var opened = await node.RunAsync<TransportOpened>(new CreateWebRtcTransport(id, id));
            clients.Add(new SocketClient(opened.DescriptionJson));
            await node.RunAsync<MediaDone>(new ConnectWebRtcTransport(id, clients[^1].DtlsParametersJson));
        }

        SocketClient.RunUntil(() => Moved(() => Reported().Count(t => t.State == MediaTransportState.Connected) == 3), [.. clients]);
        time.Advance(TimeSpan.FromSeconds(1));
        node.Reports.Clear();

        // The clock stands: the first change goes at once, the others wait for it to move on.
        foreach (var client in clients)
        {
            client.Rtc.Close();
            SocketClient.RunUntil(() => !node.Reports.IsEmpty, client);
        }

        SocketClient.RunUntil(() => Assert.Single(node.Runtime.Workers).Worker.Stats.Transports == 0, [.. clients]);
        await node.RunAsync<RoomOpened>(new OpenRoom(), "barrier");
        Assert.Equal(["a"], Reported().Select(t => t.TransportId));

        movedAt = Stopwatch.GetTimestamp();
        SocketClient.RunUntil(() => Moved(() => node.Reports.Count == 2), [.. clients]);
        Assert.Equal(["b", "c"], node.Reports.Last().Report.Transports.Select(t => t.TransportId).Order());
        clients.ForEach(c => c.Dispose());

        IEnumerable<TransportStateChange> Reported() => node.Reports.SelectMany(r => r.Report.Transports);

        // No faster than the clients' own clock, or the node would miss their consent.
        bool Moved(Func<bool> condition)
        {
            var real = Stopwatch.GetTimestamp();
            time.Advance(Stopwatch.GetElapsedTime(movedAt, real));
            movedAt = real;
            return condition();
        }
    }

    [Fact]
    public async Task Reports_ThatFail_ComeAgain()
    {
        _node.FailuresLeft = 3;
        var opened = await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        using var client = new SocketClient(opened.DescriptionJson);
        await _node.RunAsync<MediaDone>(new ConnectWebRtcTransport("a", client.DtlsParametersJson));

        SocketClient.RunUntil(() => States().LastOrDefault() == MediaTransportState.Connected, client);
        Assert.Equal(0, _node.FailuresLeft);
    }

    [Fact]
    public async Task Ports_InUse_ArePassedOver()
    {
        using var blocker = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        blocker.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)blocker.LocalEndPoint!).Port;
        await using var node = await NodeFixture.StartAsync(new MediaNodeOptions { PortRange = $"{port}-{port + 20}", Workers = 1 });

        var used = Assert.Single(node.Runtime.Workers).Socket.LocalEndPoint.Port;
        Assert.InRange(used, port + 1, port + 20);
        var opened = await node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        Assert.Equal(used, RemoteTransport.Parse(opened.DescriptionJson).Address.Port);
    }

    [Fact]
    public async Task Ports_AllInUse_IsAClearError()
    {
        using var blocker = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        blocker.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)blocker.LocalEndPoint!).Port;

        var error = await Assert.ThrowsAsync<VoiceCluster.Hosting.StartException>(
            () => NodeFixture.StartAsync(new MediaNodeOptions { PortRange = $"{port}-{port}", Workers = 1 }));

        Assert.Contains($"{port}-{port}", error.Message);
    }

    private MediaTransportState[] States() =>
        [.. _node.Reports.SelectMany(r => r.Report.Transports).Where(t => t.TransportId == "a").Select(t => t.State)];

    private static CreateProducer Produce(string id, string transport, uint ssrc = 7) => new(
        id,
        transport,
        MediaKind.Audio,
        WorkerThreadTests.AudioParameters.Replace("\"ssrc\":7", $"\"ssrc\":{ssrc}").Replace("\"mid\":\"0\"", $"\"mid\":\"{ssrc}\""),
        false);
}
