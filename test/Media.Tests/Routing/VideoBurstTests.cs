using System.Buffers.Binary;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

public sealed class VideoBurstTests
{
    private readonly TestRoom _room = new() { Now = 1 };

    [Fact]
    public void Batch_OfOneFrame_GoesToEachReceiverInOnePiece()
    {
        Produce();
        List<string> order = [];
        foreach (var name in (string[])["a", "b", "c"])
        {
            var receiver = new LoopbackTransport(_room.Router, name) { RtpSent = (_, _) => order.Add(name) };
            receiver.Consume(name, "p", Router.RtpCapabilities, false, _room.Now);
        }

        _room.Bursts.Begin();
        Receive(10, key: true);
        Receive(11);
        Receive(12);
        Assert.Empty(order);

        _room.Bursts.End(_room.Now);
        Assert.Equal(["a", "a", "a", "b", "b", "b", "c", "c", "c"], order);

        // Outside a batch nothing waits.
        Receive(13);
        Assert.Equal(["a", "b", "c"], order[9..]);
    }

    [Fact]
    public void Batch_KeyFrameBeginsLate_EachPacketIsSentOnce()
    {
        Produce();
        Consume();
        _room.Bursts.Begin();
        Receive(12);
        Receive(11, key: true);
        Receive(13);
        Receive(14);
        _room.Bursts.End(_room.Now);

        AssertSent(11, 12, 13, 14);
    }

    [Fact]
    public void Batch_LongerThanWhatIsKept_LosesNothing()
    {
        Produce();
        Consume();
        _room.Bursts.Begin();
        Receive(10, key: true);
        for (ushort i = 11; i < 110; i++)
        {
            Receive(i);
        }

        Assert.NotEmpty(_room.ToReceiver);
        _room.Bursts.End(_room.Now);

        AssertSent([.. Enumerable.Range(10, 100).Select(i => (ushort)i)]);
    }

    [Fact]
    public void Batch_ProducerEndsInIt_SendsNothingAndHarmsNobody()
    {
        Produce();
        Consume();
        _room.Bursts.Begin();
        Receive(10, key: true);
        _room.Sender.Close(_room.Now);
        _room.Bursts.End(_room.Now);

        Assert.Empty(_room.ToReceiver);
    }

    [Fact]
    public void Batch_OfSound_IsForwardedAtOnce()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, 0);
        Consume();
        _room.Bursts.Begin();
        _room.Receive(MediaFixtures.Opus(1, 1000, 960));

        Assert.Single(_room.ToReceiver);
    }

    [Fact]
    public void Batches_TenThousandPacketsToTenReceivers_AllocateNothing()
    {
        var bursts = new VideoBursts();
        var router = new Router("room", new RouterOptions { Seed = 1 }) { Bursts = bursts };
        var sender = new LoopbackTransport(router, "s");
        sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        var receivers = new LoopbackTransport[10];
        for (var i = 0; i < receivers.Length; i++)
        {
            receivers[i] = new LoopbackTransport(router, $"r{i}");
            receivers[i].Consume($"c{i}", "p", Router.RtpCapabilities, false, 0);
        }

        var packet = MediaFixtures.Packet(96, 1, 0, 0, MediaFixtures.Vp8Payload(true, true, 1, 1, length: 1000));
        var copy = new byte[packet.Length];
        var now = 1L;
        ushort sequence = 0;
        Forward(2_000);
        var sent = receivers.Sum(r => r.Stats.RtpPacketsSent);
        var before = Allocations.Begin();
        Forward(10_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(100_000, receivers.Sum(r => r.Stats.RtpPacketsSent) - sent);
        Assert.Equal(0, allocated);

        void Forward(int packets)
        {
            for (var i = 0; i < packets; i += 8)
            {
                now += 40_000;
                bursts.Begin();
                for (var k = 0; k < 8; k++)
                {
                    packet.CopyTo(copy, 0);
                    BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(2), ++sequence);
                    BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(4), (uint)(sequence / 8 * 3000));
                    sender.ReceiveRtp(copy, now);
                }

                bursts.End(now);
            }
        }
    }

    private void Produce() => _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);

    private void Consume() => _room.Receiver.Consume("c", "p", Router.RtpCapabilities, false, _room.Now);

    // The time stamp tells which packet it was.
    private void Receive(ushort sequence, bool key = false) =>
        _room.Receive(MediaFixtures.Vp8(1, sequence, (uint)(sequence * 3000), key, start: true));

    private void AssertSent(params ushort[] sources)
    {
        var first = _room.ToReceiver[0];
        Assert.Equal(sources.Select(s => (uint)(s * 3000)), _room.ToReceiver.Select(p => p.Timestamp));
        Assert.Equal(Enumerable.Range(0, sources.Length).Select(i => (ushort)(first.Sequence + i)), _room.ToReceiver.Select(p => p.Sequence));
    }
}
