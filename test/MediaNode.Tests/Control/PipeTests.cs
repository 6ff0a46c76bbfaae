using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.MediaNode.Tests.Io;

namespace VoiceCluster.MediaNode.Tests.Control;

/// <summary>Two nodes with real sockets, and the commands by which a room's grain joins them.</summary>
public sealed class PipeTests : IAsyncLifetime
{
    private const string Negotiated = """
        {"mid":"5","codecs":[{"mimeType":"audio/opus","payloadType":109,"clockRate":48000,"channels":2}],
         "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":9}]}
        """;

    private NodeFixture _one = null!;
    private NodeFixture _other = null!;

    public async Task InitializeAsync()
    {
        _one = await NodeFixture.StartAsync(new MediaNodeOptions { PortRange = "21000-21999", Workers = 2, Name = "one" });
        _other = await NodeFixture.StartAsync(new MediaNodeOptions { PortRange = "22000-22999", Workers = 2, Name = "other" });
    }

    public async Task DisposeAsync()
    {
        await _one.DisposeAsync();
        await _other.DisposeAsync();
    }

    [Fact]
    public async Task Sound_OfOneNode_ReachesConsumerSlotAndMixOfTheOther_AndSpeakersAreReportedAtTheirOwn()
    {
        using var alice = await ConnectAsync(_one, "a", "alice");
        using var bob = await ConnectAsync(_other, "b", "bob");
        SocketClient.RunUntil(() => alice.Rtc.IsConnected && bob.Rtc.IsConnected, alice, bob);
        await ProduceAsync();
        await JoinAsync("pipe");
        await PipeAsync("pipe");
        await _other.RunAsync<ConsumerOpened>(new CreateConsumer("c", "b", "p", "", false, Negotiated));
        var speaker = new LoudSpeaker(alice);
        SocketClient.RunUntil(() => speaker.Run() && bob.RtpReceived > 20, alice, bob);

        await _other.RunAsync<MediaDone>(new CloseConsumer("c"));
        await _other.RunAsync<SlotConsumersOpened>(new CreateSlotConsumers(["s"], "b", [Negotiated], false));
        var before = bob.RtpReceived;
        SocketClient.RunUntil(() => speaker.Run() && bob.RtpReceived > before + 20, alice, bob);
        await _other.RunAsync<MediaDone>(new CloseConsumer("s"));
        await _other.RunAsync<ConsumerOpened>(new CreateMixConsumer("m", "b", Negotiated, false));
        before = bob.RtpReceived;
        SocketClient.RunUntil(() => speaker.Run() && bob.RtpReceived > before + 20, alice, bob);

        // Who speaks is told by the node that has the participant, and by no other.
        SocketClient.RunUntil(() => speaker.Run() && _one.Reports.Any(r => r.Report.Speakers is [{ ParticipantId: "alice" }]), alice, bob);
        Assert.DoesNotContain(_other.Reports, r => r.Report.Speakers is { Length: > 0 });

        // Consumers of clients count; what goes through pipes does not.
        SocketClient.RunUntil(
            () => speaker.Run() && Sum(_one, w => w.Consumers) == 0 && Sum(_other, w => w.Consumers) == 1 && Sum(_other, w => w.Producers) == 0, alice, bob);
        Assert.Equal((1, 1), (Sum(_one, w => w.Pipes), Sum(_other, w => w.Pipes)));
    }

    [Fact]
    public async Task Commands_Repeated_AreAnsweredAsBefore_AndThoseWithoutSenseAreRefused()
    {
        await _one.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        await ProduceAsync();
        var opened = await _one.RunAsync<PipeTransportOpened>(new CreatePipeTransport("pipe"));
        Assert.Equal(opened.Local, (await _one.RunAsync<PipeTransportOpened>(new CreatePipeTransport("pipe"))).Local);
        Assert.DoesNotContain(opened.Local.KeyBase64, opened.ToString());
        await JoinAsync("pipe");
        await JoinAsync("pipe");
        var piped = await _one.RunAsync<PipeConsumerOpened>(new CreatePipeConsumer("pipe", "p"));
        Assert.Equal(piped, await _one.RunAsync<PipeConsumerOpened>(new CreatePipeConsumer("pipe", "p")));
        var produce = new CreatePipeProducer("pipe", "p", piped.Kind, piped.RtpParametersJson, false);
        await _other.RunAsync<MediaDone>(produce);
        await _other.RunAsync<MediaDone>(produce);

        await _one.RefusedAsync(FaultCode.NotFound, new CreatePipeConsumer("pipe", "x"));
        await _one.RefusedAsync(FaultCode.NotFound, new CreatePipeConsumer("x", "p"));
        await _one.RefusedAsync(FaultCode.Conflict, produce);
        await _other.RefusedAsync(FaultCode.NotFound, produce with { PipeId = "x" });
        await _other.RefusedAsync(FaultCode.Invalid, produce with { RtpParametersJson = "{" });
        await _other.RefusedAsync(FaultCode.Conflict, new CreatePipeConsumer("pipe", "p"));
        await _one.RefusedAsync(FaultCode.Conflict, new CreateWebRtcTransport("pipe", "alice"));
        await _one.RunAsync<PipeTransportOpened>(new CreatePipeTransport("lone"));
        await _one.RefusedAsync(FaultCode.Invalid, new ConnectPipeTransport("lone", opened.Local with { Ip = "nowhere" }));
        await _one.RefusedAsync(FaultCode.Invalid, new ConnectPipeTransport("lone", opened.Local with { Port = 0 }));
        await _one.RefusedAsync(FaultCode.Conflict, new ConnectPipeTransport("lone", opened.Local with { KeyBase64 = "x" }));
        await _one.RunAsync<MediaDone>(new ClosePipeTransport("x"));
        await _one.RunAsync<MediaDone>(new ClosePipeConsumer("pipe", "x"));
    }

    [Fact]
    public async Task Adopt_And_Reconcile_KnowPipes()
    {
        await _one.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        await ProduceAsync();
        await JoinAsync("pipe");
        await PipeAsync("pipe");

        var near = (await _one.Control.AdoptAsync(_one.Header("r", 2), ["alice"])).Value!;
        Assert.Equal(["p"], near.Producers.Select(p => p.ProducerId));
        Assert.Empty(near.Consumers);
        Assert.Equal(("pipe", true), (near.Pipes!.Single().PipeId, near.Pipes!.Single().IsConnected));
        Assert.Equal(["p"], near.Pipes!.Single().Out);
        var far = (await _other.Control.AdoptAsync(_other.Header("r", 2), [])).Value!;
        Assert.Empty(far.Producers);
        Assert.Equal(["p"], far.Pipes!.Single().In);

        // As wanted, but for a pause.
        var kept = (await _other.Control.ReconcileAsync(
            _other.Header("r", 2), new DesiredRoom([], [], [], [new DesiredPipe("pipe", [], [new DesiredPipedProducer("p", true)])]))).Value!;
        Assert.Equal(["p"], kept.Pipes!.Single().In);
        Assert.True(await PausedAsync());

        // Nothing is to go through it.
        kept = (await _one.Control.ReconcileAsync(
            _one.Header("r", 2),
            new DesiredRoom([new DesiredTransport("a", "alice")], [new DesiredProducer("p", "a", false)], [], [new DesiredPipe("pipe", [], [])]))).Value!;
        Assert.Empty(kept.Pipes!.Single().Out);
        Assert.Empty(kept.MissingProducers);

        // And then the pipe itself is not wanted, nor what came through it.
        kept = (await _other.Control.ReconcileAsync(_other.Header("r", 2), new DesiredRoom([], [], []))).Value!;
        Assert.Empty(kept.Pipes!);
        Assert.Empty((await _other.Control.AdoptAsync(_other.Header("r", 3), [])).Value!.Pipes!);

        Task<bool> PausedAsync() => _other.Runtime.Workers
            .Select(w => w.InvokeAsync((worker, _) => worker.Routers.TryGetValue("r", out var r) && r.Producers["p"].IsPaused))
            .Aggregate(async (x, y) => await x || await y);
    }

    private async Task JoinAsync(string pipe)
    {
        var one = await _one.RunAsync<PipeTransportOpened>(new CreatePipeTransport(pipe));
        var other = await _other.RunAsync<PipeTransportOpened>(new CreatePipeTransport(pipe));
        await _one.RunAsync<MediaDone>(new ConnectPipeTransport(pipe, other.Local));
        await _other.RunAsync<MediaDone>(new ConnectPipeTransport(pipe, one.Local));
    }

    private async Task PipeAsync(string pipe)
    {
        var opened = await _one.RunAsync<PipeConsumerOpened>(new CreatePipeConsumer(pipe, "p"));
        await _other.RunAsync<MediaDone>(new CreatePipeProducer(pipe, "p", opened.Kind, opened.RtpParametersJson, false));
    }

    private Task<MediaDone> ProduceAsync() => _one.RunAsync<MediaDone>(new CreateProducer("p", "a", MediaKind.Audio, WorkerThreadTests.AudioParameters.Replace(
        "\"headerExtensions\":[]", "\"headerExtensions\":[{\"uri\":\"urn:ietf:params:rtp-hdrext:ssrc-audio-level\",\"id\":1}]"), false));

    private static int Sum(NodeFixture node, Func<VoiceCluster.Media.Workers.WorkerStats, int> figure) => node.Runtime.Workers.Sum(w => figure(w.Worker.Stats));

    private static async Task<SocketClient> ConnectAsync(NodeFixture node, string transport, string participant)
    {
        var opened = await node.RunAsync<TransportOpened>(new CreateWebRtcTransport(transport, participant));
        var client = new SocketClient(opened.DescriptionJson);
        await node.RunAsync<MediaDone>(new ConnectWebRtcTransport(transport, client.DtlsParametersJson));
        return client;
    }
}
