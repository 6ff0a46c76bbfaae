using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Relay;
using VoiceCluster.MediaNode.Tests.Control;

namespace VoiceCluster.MediaNode.Tests.Io;

/// <summary>The relay port of a node with real sockets.</summary>
public sealed class RelayPortTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Conversations_InChannelsOfEveryWorker_GoThroughTheOnePort(bool portable)
    {
        await using var node = await StartAsync(portable);
        Assert.Equal(portable || !OperatingSystem.IsLinux() ? 1 : 3, node.Runtime.RelayWorkers);
        HashSet<int> workers = [];
        for (var i = 0; i < 24; i++)
        {
            var channel = Guid.NewGuid();
            using var alice = await NativePeer.JoinAsync(node, channel, "alice");
            using var bob = await NativePeer.JoinAsync(node, channel, "bob");
            workers.Add(RelaySteering.WorkerOf(channel, node.Runtime.RelayWorkers));
            await node.RunAsync<MediaDone>(new CreateProducer("p", "alice", MediaKind.Audio, alice.Media.ProducerRtpParametersJson, false), channel.ToString());
            await node.RunAsync<ConsumerOpened>(
                new CreateConsumer("c", "bob", "p", bob.Media.RtpCapabilitiesJson, false, SourceUserId: alice.User), channel.ToString());

            for (var frame = 0; frame < 3; frame++)
            {
                await alice.SpeakAsync((byte)frame);
                var (header, payload) = await bob.ReceiveAsync(RelayPacketType.Audio);
                Assert.Equal(alice.User, RelayIdentity.ToGuid(header.User));
                Assert.Equal(new byte[] { 0x78, (byte)frame, 2, 3, 4 }, payload);
            }
        }

        Assert.Equal(node.Runtime.RelayWorkers, workers.Count);
        var audio = (await node.RunAsync<AudioReported>(new ReportAudio(), Guid.NewGuid().ToString())).Statistics;
        Assert.Equal(AudioStatistics.None, audio);
    }

    [Fact]
    public async Task Port_InUse_IsPassedOver()
    {
        await using var first = await StartAsync(portable: false);
        var port = first.Runtime.RelayEndPoint!.Port;

        await using var second = await StartAsync(portable: false, port);

        Assert.InRange(second.Runtime.RelayEndPoint!.Port, port + 1, port + 100);
    }

    [Fact]
    public async Task Transports_OfTheRelay_AreKnownAfterATakeoverAndClosedByReconciliation()
    {
        await using var node = await StartAsync(portable: false);
        var channel = Guid.NewGuid();
        var room = channel.ToString();
        using var alice = await NativePeer.JoinAsync(node, channel, "alice");
        await node.RunAsync<MediaDone>(new CreateProducer("p", "alice", MediaKind.Audio, alice.Media.ProducerRtpParametersJson, false), room);

        var adopted = (await node.Control.AdoptAsync(node.Header(room, 2), ["alice"])).Value!;
        Assert.Equal([new AdoptedTransport("alice", "alice", MediaTransportState.Connected, HearsAll: true)], adopted.Transports);
        Assert.Equal([new AdoptedProducer("p", "alice", MediaKind.Audio, false)], adopted.Producers);

        var reconciled = (await node.Control.ReconcileAsync(node.Header(room, 2), new DesiredRoom([], [], []))).Value!;
        Assert.Empty(reconciled.MissingTransports);
        Assert.Equal(0, node.Runtime.Workers.Sum(w => w.Worker.Stats.Relays));
        await alice.SpeakAsync(1);
        for (var deadline = DateTime.UtcNow + NativePeer.Deadline; !node.Reports.Any(r => r.Report.Transports.Contains(new TransportStateChange("alice", MediaTransportState.Connected))); await Task.Delay(10))
        {
            Assert.True(DateTime.UtcNow < deadline, "The proof was not reported.");
        }
    }

    [Fact]
    public async Task Requests_ThatCannotBe_AreRefusedWithAReason()
    {
        await using var node = await StartAsync(portable: false);
        var create = new CreateRelayTransport("t", "alice", Guid.NewGuid(), new byte[16], new byte[16]);
        await node.RefusedAsync(FaultCode.Unsupported, create, "no-channel");
        await node.RefusedAsync(FaultCode.Invalid, create with { Session = new byte[15] }, Guid.NewGuid().ToString());
        await node.RefusedAsync(FaultCode.Invalid, create with { Key = [] }, Guid.NewGuid().ToString());
        var room = Guid.NewGuid().ToString();
        await node.RunAsync<RelayTransportOpened>(create, room);
        await node.RunAsync<RelayTransportOpened>(create, room);
        await node.RefusedAsync(FaultCode.Conflict, create with { ParticipantId = "bob" }, room);
        await node.RefusedAsync(FaultCode.NotFound, new RestartIce("t"), room);

        await using var without = await NodeFixture.StartAsync();
        await without.RefusedAsync(FaultCode.Unsupported, create, room);
    }

    [Fact]
    public void Options_BeyondTheirBounds_AreAllNamed()
    {
        var faults = new RelayOptionsValidator().Validate(null, new RelayOptions { UdpPort = -1, MaxPacketSize = 10, MinBitrate = 1, MaxBitrate = 0, MaxAge = TimeSpan.Zero, Silence = TimeSpan.Zero });

        Assert.Equal(6, faults.Failures!.Count());
        Assert.True(new RelayOptionsValidator().Validate(null, new RelayOptions()).Succeeded);
    }

    private static Task<NodeFixture> StartAsync(bool portable, int port = 0) => NodeFixture.StartAsync(
        new MediaNodeOptions { PortRange = "21000-21999", Workers = 3, PortableSockets = portable }, relay: new RelayOptions { UdpPort = port });
}
