using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Engine.Tests;
using VoiceCluster.Media;
using VoiceCluster.Media.Routing;
using VoiceCluster.MediaNode.Tests.Io;

namespace VoiceCluster.MediaNode.Tests.Control;

/// <summary>Slots, the mix and speaking on a node, by command and with packets over sockets.</summary>
public sealed class ReceivingTests : IAsyncLifetime
{
    private const string Negotiated = """
        {"mid":"5","codecs":[{"mimeType":"audio/opus","payloadType":109,"clockRate":48000,"channels":2}],
         "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":9}]}
        """;

    private NodeFixture _node = null!;

    public async Task InitializeAsync() => _node = await NodeFixture.StartAsync();

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task SlotsAndMix_Repeated_AreAnsweredAsBefore()
    {
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("b", "bob"));
        var slots = new CreateSlotConsumers(["s1", "s2"], "a", [Negotiated, Negotiated], false);
        var opened = await _node.RunAsync<SlotConsumersOpened>(slots);
        Assert.Equal(opened.RtpParametersJson, (await _node.RunAsync<SlotConsumersOpened>(slots)).RtpParametersJson);
        Assert.All(opened.RtpParametersJson, p => Assert.Contains("\"payloadType\":109", p));
        Assert.All(opened.RtpParametersJson, p => Assert.Contains("\"ssrc\":", p));
        await _node.RefusedAsync(FaultCode.Conflict, slots with { TransportId = "b" });
        await _node.RefusedAsync(FaultCode.Conflict, slots with { ConsumerIds = ["s2", "s3"] });

        var mix = new CreateMixConsumer("m", "a", Negotiated, false);
        Assert.Equal(await _node.RunAsync<ConsumerOpened>(mix), await _node.RunAsync<ConsumerOpened>(mix));
        await _node.RefusedAsync(FaultCode.Conflict, mix with { TransportId = "b" });
        await _node.RefusedAsync(FaultCode.Conflict, mix with { ConsumerId = "s1" });
    }

    [Fact]
    public async Task Requests_OfAClientsMistake_AreRefusedWithAReason()
    {
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        await _node.RefusedAsync(FaultCode.NotFound, new CreateSlotConsumers(["s"], "x", [Negotiated], false));
        await _node.RefusedAsync(FaultCode.Invalid, new CreateSlotConsumers(["s"], "a", ["nonsense"], false));
        await _node.RefusedAsync(FaultCode.Invalid, new CreateSlotConsumers([], "a", [], false));
        await _node.RefusedAsync(FaultCode.Unsupported, new CreateSlotConsumers(["s"], "a", [Negotiated.Replace("opus", "G722")], false));
        await _node.RefusedAsync(FaultCode.NotFound, new CreateMixConsumer("m", "x", Negotiated, false));
        await _node.RefusedAsync(FaultCode.Invalid, new CreateMixConsumer("m", "a", "{}", false));
        await _node.RefusedAsync(FaultCode.Unsupported, new CreateMixConsumer("m", "a", Negotiated.Replace("48000", "8000"), false));
        await _node.RefusedAsync(FaultCode.NotFound, new CreateConsumer("c", "a", "p", "", false, Negotiated));
        await _node.RefusedAsync(FaultCode.Invalid, new CreateConsumer("c", "a", "p", "", false, "[]"));
    }

    [Fact]
    public async Task Adopt_And_Reconcile_KnowSlotsAndMix()
    {
        await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        await _node.RunAsync<SlotConsumersOpened>(new CreateSlotConsumers(["s1", "s2"], "a", [Negotiated, Negotiated], false));
        await _node.RunAsync<ConsumerOpened>(new CreateMixConsumer("m", "a", Negotiated, Paused: true));

        var adopted = (await _node.Control.AdoptAsync(_node.Header("r", 2), ["alice"])).Value!;
        Assert.Equal(
            [
                new AdoptedConsumer("m", "a", "", true, ConsumerSource.Mix),
                new AdoptedConsumer("s1", "a", "", false, ConsumerSource.Loudest),
                new AdoptedConsumer("s2", "a", "", false, ConsumerSource.Loudest),
            ],
            adopted.Consumers.OrderBy(c => c.ConsumerId));
        Assert.Equal([], adopted.Speakers!);

        var reconciled = (await _node.Control.ReconcileAsync(_node.Header("r", 2), new DesiredRoom(
            [new DesiredTransport("a", "alice")],
            [],
            [new DesiredConsumer("s2", "a", "", true), new DesiredConsumer("m", "a", "", false), new DesiredConsumer("gone", "a", "", false)]))).Value!;
        Assert.Equal(["gone"], reconciled.MissingConsumers);
        var left = (await _node.Control.AdoptAsync(_node.Header("r", 3), ["alice"])).Value!;
        Assert.Equal([("m", false), ("s2", true)], left.Consumers.OrderBy(c => c.ConsumerId).Select(c => (c.ConsumerId, c.Paused)));
    }

    [Fact]
    public async Task Packets_ReachSlotsAndMix_UntilTheSpeakerIsMutedOrTheListenerDeafened()
    {
        var (alice, bob) = await SpeakerAndListenerAsync();
        await _node.RunAsync<SlotConsumersOpened>(new CreateSlotConsumers(["slot"], "b", [Negotiated], false));
        var speaker = new LoudSpeaker(alice);
        RunUntil(() => bob.RtpReceived > 20);

        // Muted: its sound ends with frames of silence, and whatever it sends is dropped.
        await _node.RunAsync<MediaDone>(new SetProducerPaused("p", true));
        var muted = SentToBob();
        var dropped = Dropped("a", DropReason.ProducerPaused);
        RunUntil(() => Dropped("a", DropReason.ProducerPaused) >= dropped + 20);
        Assert.Equal(muted, SentToBob());
        RunUntil(() => bob.RtpReceived == muted);

        await _node.RunAsync<MediaDone>(new SetProducerPaused("p", false));
        RunUntil(() => bob.RtpReceived > muted + 10);

        // Deafened: the same at the other end.
        await _node.RunAsync<MediaDone>(new SetConsumerPaused("slot", true));
        var deafened = SentToBob();
        dropped = Dropped("b", DropReason.ConsumerSkipped);
        RunUntil(() => Dropped("b", DropReason.ConsumerSkipped) >= dropped + 20);
        Assert.Equal(deafened, SentToBob());

        // The mix of one who is muted ends after its tail of silence.
        await _node.RunAsync<ConsumerOpened>(new CreateMixConsumer("mix", "b", Negotiated, false));
        RunUntil(() => bob.RtpReceived > deafened + 10);
        await _node.RunAsync<MediaDone>(new SetProducerPaused("p", true));
        var sent = 0L;
        RunUntil(() =>
        {
            if (SentToBob() != sent)
            {
                (sent, dropped) = (SentToBob(), Dropped("a", DropReason.ProducerPaused));
            }

            return Dropped("a", DropReason.ProducerPaused) >= dropped + 30;
        });
        alice.Dispose();
        bob.Dispose();

        void RunUntil(Func<bool> condition) => SocketClient.RunUntil(() => speaker.Run() && condition(), alice, bob);

        long SentToBob() => Ask("b", s => s.RtpPacketsSent);

        long Dropped(string transport, DropReason reason) => Ask(transport, s => s.Dropped(reason));

        long Ask(string transport, Func<TransportStats, long> question) => _node.Runtime.Workers
            .Select(worker => worker.InvokeAsync((w, _) => w.Routers.TryGetValue("r", out var r) ? question(r.Transports[transport].Stats) : 0).GetAwaiter().GetResult())
            .Sum();
    }

    [Fact]
    public async Task Speaking_IsReportedAndAdopted()
    {
        var (alice, bob) = await SpeakerAndListenerAsync();
        var speaker = new LoudSpeaker(alice);
        SocketClient.RunUntil(() => speaker.Run() && Speakers().Any(s => s.Any(p => p.ParticipantId == "alice")), alice, bob);
        SocketClient.RunUntil(() => speaker.Run() && speaker.Sent > 20, alice, bob);
        var adopted = (await _node.Control.AdoptAsync(_node.Header("r", 2), ["alice", "bob"])).Value!;
        Assert.Equal(["alice"], adopted.Speakers!.Select(s => s.ParticipantId));
        Assert.All(adopted.Transports, t => Assert.Equal(MediaTransportState.Connected, t.State));

        // She stops: the last report says that nobody speaks.
        SocketClient.RunUntil(() => Speakers().LastOrDefault() is { Length: 0 }, alice, bob);
        alice.Dispose();
        bob.Dispose();
    }

    [Fact]
    public async Task SilentTransport_IsReportedAsSuch()
    {
        var time = new ManualTime();
        await using var node = await NodeFixture.StartAsync(new MediaNodeOptions { PortRange = "21000-21999", Workers = 1 }, time);
        var opened = await node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        using (var client = new SocketClient(opened.DescriptionJson))
        {
            await node.RunAsync<MediaDone>(new ConnectWebRtcTransport("a", client.DtlsParametersJson));
            SocketClient.RunUntil(
                () =>
                {
                    time.Advance(TimeSpan.FromMilliseconds(10));
                    return Changes().Any(c => c.State == MediaTransportState.Connected);
                },
                client);
        }

        SocketClient.RunUntil(() =>
        {
            // 30 s without a check, a little at a time; the worker wakes by its own clock, so each command lets it look.
            time.Advance(TimeSpan.FromMilliseconds(100));
            node.Control.ExecuteAsync(node.Header("r", 1), new OpenRoom()).Wait();
            return Changes().Any(c => c.State == MediaTransportState.Closed);
        });
        Assert.True(Changes().Single(c => c.State == MediaTransportState.Closed).WasSilent);

        IEnumerable<TransportStateChange> Changes() => node.Reports.SelectMany(r => r.Report.Transports);
    }

    private IEnumerable<Abstractions.Rooms.Speaker[]> Speakers() => _node.Reports.Select(r => r.Report.Speakers).OfType<Abstractions.Rooms.Speaker[]>();

    private async Task<(SocketClient Alice, SocketClient Bob)> SpeakerAndListenerAsync()
    {
        var alice = await ConnectAsync("a", "alice");
        var bob = await ConnectAsync("b", "bob");
        SocketClient.RunUntil(() => alice.Rtc.IsConnected && bob.Rtc.IsConnected, alice, bob);
        await _node.RunAsync<MediaDone>(new CreateProducer("p", "a", MediaKind.Audio, WorkerThreadTests.AudioParameters.Replace(
            "\"headerExtensions\":[]", "\"headerExtensions\":[{\"uri\":\"urn:ietf:params:rtp-hdrext:ssrc-audio-level\",\"id\":1}]"), false));
        return (alice, bob);
    }

    private async Task<SocketClient> ConnectAsync(string transport, string participant)
    {
        var opened = await _node.RunAsync<TransportOpened>(new CreateWebRtcTransport(transport, participant));
        var client = new SocketClient(opened.DescriptionJson);
        await _node.RunAsync<MediaDone>(new ConnectWebRtcTransport(transport, client.DtlsParametersJson));
        return client;
    }
}
