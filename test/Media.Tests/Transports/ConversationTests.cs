using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Media.Tests.Transports;

/// <summary>Whole conversations: real ICE, DTLS and SRTP at both ends, a router between, and no socket.</summary>
public sealed class ConversationTests : IDisposable
{
    /// <summary>Frames after a sound that was ended on purpose.</summary>
    private const int SilentFrames = 5;

    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(20);

    private readonly MemoryNetwork _network = new();

    public void Dispose() => _network.Dispose();

    [Fact]
    public void Audio_TwoParticipants_HearEachOtherAndNotThemselves()
    {
        var (aliceTransport, alice) = _network.Connect("alice");
        var (bobTransport, bob) = _network.Connect("bob");
        Produce(aliceTransport, "pa", MediaFixtures.Audio(1));
        Produce(bobTransport, "pb", MediaFixtures.Audio(2, "bob"));
        var fromBob = Consume(aliceTransport, "ca", "pb");
        var fromAlice = Consume(bobTransport, "cb", "pa");

        for (ushort i = 0; i < 50; i++)
        {
            Assert.True(alice.Rtc.SendRtp(MediaFixtures.Opus(1, i, i * 960u)));
            Assert.True(bob.Rtc.SendRtp(MediaFixtures.Opus(2, i, i * 960u)));
            _network.Run(Frame);
        }

        Assert.Equal(Enumerable.Repeat(SsrcOf(fromBob), 50), alice.Rtp.Select(Ssrc));
        Assert.Equal(Enumerable.Repeat(SsrcOf(fromAlice), 50), bob.Rtp.Select(Ssrc));
        AssertContiguous(bob);
        Assert.Equal(0, alice.Rtc.PacketsRefused);
        Assert.Equal(["pa", "pb"], Assert.Single(_network.Listener.Speakers, s => s.Length == 2).Order());
    }

    [Fact]
    public void Audio_Muted_StopsAndResumesWithoutAGap()
    {
        var (alice, bob, producer) = AliceSpeaksToBob();
        SendAudio(alice, 0, 10);

        producer.Pause(_network.Now);
        SendAudio(alice, 10, 10);
        Assert.Equal(10 + SilentFrames, bob.Rtp.Count);

        producer.Resume(_network.Now);
        SendAudio(alice, 20, 10);
        Assert.Equal(20 + SilentFrames, bob.Rtp.Count);
        AssertContiguous(bob);
    }

    [Fact]
    public void Leave_OfTheSender_EndsTheReceiversConsumer()
    {
        var (alice, bob, producer) = AliceSpeaksToBob();
        SendAudio(alice, 0, 10);

        alice.Rtc.Close();
        _network.RunUntil(() => producer.Transport.IsClosed);

        Assert.Empty(_network.Router.Producers);
        Assert.Empty(_network.Router.Consumers);
        Assert.Single(_network.Router.Transports);
        SendAudio(alice, 10, 10);
        Assert.Equal(10, bob.Rtp.Count);
    }

    [Fact]
    public void Ice_RestartOfTheReceiver_LosesNoPacket()
    {
        var (alice, bob, _) = AliceSpeaksToBob();
        var transport = (WebRtcTransport)_network.Router.Transports["bob"];
        SendAudio(alice, 0, 10);

        bob.Rtc.RestartIce(RemoteTransport.ParseIce(transport.RestartIce()), _network.Now);
        SendAudio(alice, 10, 50);

        Assert.Equal(60, bob.Rtp.Count);
        AssertContiguous(bob);
        Assert.Equal(Media.Ice.IceClientState.Connected, bob.Rtc.IceState);
    }

    [Fact]
    public void Ice_ConsentOfTheReceiverExpires_NothingMoreIsSentToIt()
    {
        var (alice, bob, _) = AliceSpeaksToBob();
        SendAudio(alice, 0, 10);

        _network.Silence(bob);
        _network.Run(TimeSpan.FromSeconds(36));
        var before = _network.SentToNobody;
        SendAudio(alice, 10, 50);

        Assert.Equal(before, _network.SentToNobody);
        Assert.Contains(("bob", WebRtcTransportState.Closed), _network.Listener.States);
        bob.Rtc.Dispose();
    }

    [Fact]
    public void Video_Join_AsksTheSenderForAKeyFrame()
    {
        var (aliceTransport, alice) = _network.Connect("alice");
        var (bobTransport, bob) = _network.Connect("bob");
        Produce(aliceTransport, "v", MediaFixtures.Video(1), MediaKind.Video);
        SendVideo(alice, 0, 30, key: false);

        Consume(bobTransport, "cv", "v");
        _network.RunUntil(() => alice.Rtcp.Exists(IsPictureLoss));
        SendVideo(alice, 30, 5, key: false);
        Assert.Empty(bob.Rtp);

        SendVideo(alice, 35, 1, key: true);
        SendVideo(alice, 36, 10, key: false);
        Assert.Equal(11, bob.Rtp.Count);
        AssertContiguous(bob);
    }

    [Fact]
    public void Reports_BothDirections_ComeAtLeastOnceASecond()
    {
        var (alice, bob, _) = AliceSpeaksToBob();
        SendAudio(alice, 0, 250);

        Assert.InRange(alice.Rtcp.Count(p => p[1] is 200 or 201), 4, 50);
        Assert.InRange(bob.Rtcp.Count(p => p[1] is 200), 4, 50);
    }

    [Fact]
    public void Forwarding_HundredThousandPacketsThroughSrtp_AllocatesNothing()
    {
        const int consumers = 10;
        const int packets = 10_000;
        var (aliceTransport, alice) = _network.Connect("alice");
        Produce(aliceTransport, "p", MediaFixtures.Audio(1));
        for (var i = 0; i < consumers; i++)
        {
            var (transport, _) = _network.Connect($"r{i}");
            Consume(transport, $"c{i}", "p");
        }

        var packet = MediaFixtures.Opus(1, 0, 0);
        _network.IsUnplugged = true;
        long allocated = 0;
        for (var i = 0; i < packets + 1_000; i++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)i);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), (uint)i * 960);
            alice.Rtc.SendRtp(packet);
            var before = i == 1_000 ? Allocations.Begin() : GC.GetAllocatedBytesForCurrentThread();
            _network.Worker.Receive(alice.Sink.Last, alice.Address, _network.Now + (i * 20_000L));
            var after = GC.GetAllocatedBytesForCurrentThread();
            allocated += i < 1_000 ? 0 : after - before;
        }

        Assert.Equal(0, allocated);
        var forwarded = _network.Router.Consumers.Values.Sum(c => c.Transport.Stats.RtpPacketsSent);
        Assert.Equal((packets + 1_000) * consumers, forwarded);
    }

    private (MemoryClient Alice, MemoryClient Bob, Producer Producer) AliceSpeaksToBob()
    {
        var (aliceTransport, alice) = _network.Connect("alice");
        var (bobTransport, bob) = _network.Connect("bob");
        var producer = Produce(aliceTransport, "p", MediaFixtures.Audio(1));
        Consume(bobTransport, "c", "p");
        return (alice, bob, producer);
    }

    private Producer Produce(WebRtcTransport transport, string id, RtpParameters parameters, MediaKind kind = MediaKind.Audio)
    {
        var produced = transport.Produce(id, kind, parameters, false, _network.Now);
        Assert.True(produced.IsOk, produced.Error);
        return produced.Value;
    }

    private ProducerConsumer Consume(WebRtcTransport transport, string id, string producerId)
    {
        var consumed = transport.Consume(id, producerId, Router.RtpCapabilities, false, _network.Now);
        Assert.True(consumed.IsOk, consumed.Error);
        return consumed.Value;
    }

    private void SendAudio(MemoryClient client, int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            client.Rtc.SendRtp(MediaFixtures.Opus(1, (ushort)i, (uint)i * 960));
            _network.Run(Frame);
        }
    }

    private void SendVideo(MemoryClient client, int first, int count, bool key)
    {
        for (var i = first; i < first + count; i++)
        {
            client.Rtc.SendRtp(MediaFixtures.Vp8(1, (ushort)i, (uint)i * 3_000, key, pictureId: 100 + i));
            _network.Run(Frame);
        }
    }

    private static void AssertContiguous(MemoryClient client)
    {
        var numbers = client.Rtp.Select(Sequence).ToArray();
        Assert.Equal(Enumerable.Range(0, numbers.Length).Select(i => (ushort)(numbers[0] + i)), numbers);
    }

    private static ushort Sequence(byte[] packet) => System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2));

    private static uint Ssrc(byte[] packet) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(8));

    private static uint SsrcOf(Consumer consumer) => consumer.RtpParameters.Encodings[0].Ssrc!.Value;

    /// <summary>PSFB (206) with format 1, somewhere in the compound (RFC 4585 §6.3.1).</summary>
    private static bool IsPictureLoss(byte[] compound)
    {
        for (var at = 0; at + 4 <= compound.Length; at += 4 * (1 + System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(compound.AsSpan(at + 2))))
        {
            if (compound[at + 1] == 206 && (compound[at] & 0x1F) == 1)
            {
                return true;
            }
        }

        return false;
    }
}
