using System.Buffers.Binary;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

public class AllocationTests
{
    private const int Consumers = 10;
    private const int ForwardedPackets = 100_000;

    [Theory]
    [InlineData(MediaKind.Audio, false, false)]
    [InlineData(MediaKind.Video, false, false)]
    [InlineData(MediaKind.Video, true, false)]
    [InlineData(MediaKind.Video, false, true)]
    public void Forwarding_100000PacketsToTenConsumers_AllocatesNothing(MediaKind kind, bool adapts, bool isLimited)
    {
        var router = new Router("room", new RouterOptions { Seed = 1, AdaptsVideo = adapts });
        var sender = new LoopbackTransport(router, "s");
        var receivers = new LoopbackTransport[Consumers];
        var nack = new byte[16];
        sender.Produce("p", kind, kind == MediaKind.Audio ? MediaFixtures.Audio(1) : MediaFixtures.Video(1), false, 0);
        for (var i = 0; i < Consumers; i++)
        {
            receivers[i] = new LoopbackTransport(router, $"r{i}");
            var consumer = receivers[i].Consume($"c{i}", "p", Router.RtpCapabilities, false, 0).Value!;
            receivers[i].SetMaxVideoBitrate(isLimited ? 500_000 : null, 0);
            new RtcpWriter(nack).AddNack(new Ssrc(7), new Ssrc(consumer.RtpParameters.Encodings[0].Ssrc!.Value), [0]);
        }

        var packet = kind == MediaKind.Audio ? MediaFixtures.Opus(1, 0, 0, 30) : MediaFixtures.Packet(96, 1, 0, 0, MediaFixtures.Vp8Payload(true, true, 1, 1, length: 1000));
        var copy = new byte[packet.Length];
        var now = 1L;
        ushort sequence = 0;

        // The history's ring grows in the first second.
        Forward(2_000);
        var sentBefore = Sent();
        var before = Allocations.Begin();
        Forward(ForwardedPackets / Consumers);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(Sent() - sentBefore >= ForwardedPackets * 99 / 100);
        Assert.Equal(0, allocated);

        long Sent()
        {
            var sum = 0L;
            foreach (var receiver in receivers)
            {
                sum += receiver.Stats.RtpPacketsSent;
            }

            return sum;
        }

        void Forward(int packets)
        {
            for (var i = 0; i < packets; i++)
            {
                now += 5_000;

                // One in 500 is lost, so that NACKs flow as well; reports run by their timers.
                sequence += i % 500 == 499 ? (ushort)2 : (ushort)1;
                packet.CopyTo(copy, 0);
                BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(2), sequence);
                BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(4), sequence * 960u);
                sender.ReceiveRtp(copy, now);
                if (i % 10 == 0)
                {
                    BinaryPrimitives.WriteUInt16BigEndian(nack.AsSpan(12), (ushort)i);
                    receivers[Consumers - 1].ReceiveRtcp(nack, now);
                }

                if (sender.Deadline <= now)
                {
                    sender.Advance(now);
                }

                foreach (var receiver in receivers)
                {
                    if (receiver.Deadline <= now)
                    {
                        receiver.Advance(now);
                    }
                }

                router.Advance(now);
            }
        }
    }

    [Theory]
    [InlineData(MediaKind.Audio)]
    [InlineData(MediaKind.Video)]
    public void Pipe_SendingAndReceiving_AllocatesNothing(MediaKind kind)
    {
        using var rooms = new PipedRooms();
        var alice = rooms.A.Join("alice");
        alice.Produce("p", kind, kind == MediaKind.Audio ? MediaFixtures.Audio(1) : MediaFixtures.Video(1), false, rooms.Now);
        var (a, b) = rooms.Connect();
        rooms.Pipe(a, b, "p");
        var bob = rooms.B.Join("bob");
        bob.Consume("c", "p", Router.RtpCapabilities, false, rooms.Now);
        var packet = kind == MediaKind.Audio ? MediaFixtures.Opus(1, 0, 0, 30) : MediaFixtures.Packet(96, 1, 0, 0, MediaFixtures.Vp8Payload(true, true, 1, 1, length: 1000));
        var copy = new byte[packet.Length];
        var now = rooms.Now;
        ushort sequence = 0;
        foreach (var listening in (PipedRooms.Node[])[rooms.A, rooms.B])
        {
            listening.Keeps = false;
        }

        // What one end sends goes straight into the other: the whole way without the simulated network's own allocations.
        rooms.IsUnplugged = true;
        Forward(2_000);
        var received = b.Stats.RtpPacketsReceived;
        var sent = bob.Stats.RtpPacketsSent;
        var before = Allocations.Begin();
        Forward(20_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(b.Stats.RtpPacketsReceived - received >= 19_900);
        Assert.True(bob.Stats.RtpPacketsSent - sent >= 19_900);
        Assert.True(b.Stats.NacksSent > 0 == (kind == MediaKind.Video));
        Assert.Equal(0, allocated);

        void Forward(int packets)
        {
            for (var i = 0; i < packets; i++)
            {
                now += 5_000;
                sequence++;
                packet.CopyTo(copy, 0);
                BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(2), sequence);
                BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(4), sequence * 960u);
                alice.ReceiveRtp(copy, now);

                // One in 500 is lost on the way, so that NACK and RTX flow as well.
                if (i % 500 != 499)
                {
                    rooms.B.Worker.Receive(rooms.A.Last, rooms.A.Address, now);
                }

                var count = rooms.B.Sent;
                rooms.B.Worker.Advance(now);
                if (rooms.B.Sent != count)
                {
                    rooms.A.Worker.Receive(rooms.B.Last, rooms.B.Address, now);
                }

                if (alice.Deadline <= now)
                {
                    alice.Advance(now);
                }

                if (bob.Deadline <= now)
                {
                    bob.Advance(now);
                }

                count = rooms.A.Sent;
                rooms.A.Worker.Advance(now);
                if (rooms.A.Sent != count)
                {
                    rooms.B.Worker.Receive(rooms.A.Last, rooms.A.Address, now);
                }
            }
        }
    }
}
