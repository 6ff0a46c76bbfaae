using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Recording;

public sealed class RecorderTransportTests
{
    private readonly RecordingQueue _queue = new(1024 * 1024);
    private int _next;

    [Fact]
    public void Recorder_TakesProducersThatAreThere_AndThoseThatCome_AndTheMix()
    {
        var conference = new Conference();
        conference.Join("alice").Produce(20);
        var recorder = Record(conference.Router);
        conference.Join("bob").Produce(30);
        conference.Run(1_000_000);
        conference["alice"].Producer!.Close(conference.Now);
        recorder.Close(conference.Now);

        var (controls, packets, _) = Drain();
        var added = controls.OfType<SourceAdded>().ToArray();
        Assert.Equal(["alice", null, "bob"], added.Select(a => a.ParticipantId));
        Assert.Same(added[0].Recorder.Tag, this);
        Assert.Equal(3, controls.OfType<SourceRemoved>().Count());
        Assert.IsType<RecorderClosed>(controls[^1]);
        foreach (var source in added.Where(a => a.ParticipantId is not null))
        {
            Assert.InRange(packets.Count(p => p.Source == source.Source), 49, 51);
        }

        Assert.Empty(conference.Router.Consumers);
        Assert.Null(conference.Router.Mixer);
    }

    [Fact]
    public void TwoRecorders_RecordSideBySide()
    {
        var conference = new Conference();
        conference.Join("alice").Produce(20);
        var first = Record(conference.Router, "one");
        Record(conference.Router, "two");
        Assert.False(conference.Router.Record("two", _queue, new RecordedTracks(true, false, true), null, 0).IsOk);
        conference.Run(200_000);
        first.Close(conference.Now);
        conference.Run(200_000);
        var packets = Drain().Packets;
        Assert.Equal(2, packets.Select(p => p.Source).Distinct().Count());
    }

    [Fact]
    public void RoomClosed_TellsTheWriter()
    {
        var conference = new Conference();
        Record(conference.Router);
        conference.Router.Close(conference.Now);
        Assert.IsType<RecorderClosed>(Drain().Controls[^1]);
    }

    [Fact]
    public void Reports_TellWhenByTheSendersClock()
    {
        var room = new TestRoom { Now = 1_000_000 };
        room.Sender.Produce("v", MediaKind.Video, MediaFixtures.Video(1), false, room.Now);
        var recorder = room.Router.Record("r", _queue, new RecordedTracks(true, false, true), null, room.Now).Value!;
        room.Receive(MediaFixtures.Vp8(1, 10, 90_000, key: true));
        Assert.Equal(1_000_000, Drain().Reports.Single().Now);

        // A report of the sender: its stamp 180,000 was 300 ms ago by our clock.
        var report = new byte[64];
        var writer = new RtcpWriter(report);
        var unix = 1_700_000_000_000_000L + 1_000_000;
        writer.TryAddSenderReport(new SenderReport(new Ssrc(1), NtpTime.FromUnixMicroseconds(unix), 180_000, 1, 1));
        room.Sender.ReceiveRtcp(report.AsSpan(0, writer.Length), room.Now);
        recorder.Advance(room.Now);
        room.Now += 1_000_000;
        recorder.Advance(room.Now);

        var told = Drain().Reports.Single();

        // 180,000 is at 1.0 s of `now`, whatever instant the report chose.
        Assert.InRange(told.Now - ((long)(told.Timestamp - 180_000) * 1_000_000 / 90_000), 999_900, 1_000_100);
    }

    [Fact]
    public void Simulcast_GoesToTheBestLayer_WithOneLineOfTime()
    {
        var room = new TestRoom { Now = 1_000_000 };
        var producer = room.Sender.Produce("v", MediaKind.Video, MediaFixtures.Simulcast(), false, room.Now).Value!;
        room.Router.Record("r", _queue, new RecordedTracks(true, false, true), null, room.Now);
        ushort low = 100, high = 5_000;
        for (var i = 0; i < 60; i++)
        {
            room.Now += 33_000;
            room.Receive(Layer(10, "q", low++, (uint)(1_000 + (i * 2_970)), i == 0));
            if (i >= 20)
            {
                room.Receive(Layer(20, "f", high++, (uint)(9_000_000 + (i * 2_970)), i == 30));
            }
        }

        Assert.False(producer.IsClosed);
        var packets = Drain().Packets;
        var numbers = packets.Select(p => p.Sequence).ToArray();

        // All of the lower layer up to the higher one's key frame, and from there the higher.
        Assert.Equal(61, numbers.Length);
        Assert.All(numbers.Zip(numbers.Skip(1)), n => Assert.Equal((ushort)(n.First + 1), n.Second));
        Assert.All(packets.Zip(packets.Skip(1)), p => Assert.InRange(p.Second.Timestamp - p.First.Timestamp, 1_500u, 4_500u));
        Assert.True(room.PictureLosses > 0);

        byte[] Layer(uint ssrc, string rid, ushort sequence, uint timestamp, bool key) => MediaFixtures.Packet(
            MediaFixtures.ClientVp8, ssrc, sequence, timestamp, MediaFixtures.Vp8Payload(true, key, sequence & 0x7FFF, 0), MediaFixtures.ClientRidId, System.Text.Encoding.ASCII.GetBytes(rid), marker: true);
    }

    [Fact]
    public void Recording_100000Packets_AllocatesNothingOnTheWorker()
    {
        var router = new Router("room", new RouterOptions { Seed = 1 });
        var sender = new LoopbackTransport(router, "sender");
        var now = 1_000_000L;
        sender.Produce("v", MediaKind.Video, MediaFixtures.Video(1), false, now);
        var recorder = router.Record("r", _queue, new RecordedTracks(true, false, true), null, now).Value!;
        var packet = MediaFixtures.Vp8(1, 0, 0, key: true);
        Send(2_000, packet);
        var before = Allocations.Begin();
        Send(100_000, packet);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(0, _queue.Dropped);

        void Send(int count, byte[] bytes)
        {
            for (var i = 0; i < count; i++)
            {
                var number = (ushort)(_next + i);
                System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), number);
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), number * 90u);
                now += 1_000;
                sender.ReceiveRtp(bytes, now);
                recorder.Advance(now);
                while (_queue.TryRead(out var head, out _))
                {
                    if (head.Kind == RecordKind.Control)
                    {
                        _queue.TakeControl();
                    }

                    _queue.Release(head);
                }
            }

            _next += count;
        }
    }

    [Fact]
    public void FullQueue_DropsPacketsAndCounts_ButKeepsControls()
    {
        var queue = new RecordingQueue(256 * 1024);
        var payload = new byte[1_200];
        while (queue.TryWrite(new RecordHead(RecordKind.Packet, 1, payload.Length, 0, 0, 0, false), payload))
        {
        }

        Assert.Equal(1, queue.Dropped);
        Assert.True(queue.TryWriteControl("the end", 0));
        var packets = 0;
        while (queue.TryRead(out var head, out var read))
        {
            if (head.Kind == RecordKind.Control)
            {
                Assert.Equal("the end", queue.TakeControl());
            }
            else
            {
                Assert.Equal(1_200, read.Length);
                packets++;
            }

            queue.Release(head);
        }

        Assert.InRange(packets, 150, 160);
        Assert.Equal(0, queue.Waiting);
    }

    [Fact]
    public void Queue_BetweenTwoThreads_KeepsOrderAndBytes()
    {
        var queue = new RecordingQueue(256 * 1024);
        const int Count = 300_000;
        var writer = new Thread(() =>
        {
            var bytes = new byte[1_500];
            for (var i = 0; i < Count;)
            {
                var length = 1 + (i * 37 % 1_400);
                bytes.AsSpan(0, length).Fill((byte)i);
                if (queue.TryWrite(new RecordHead(RecordKind.Packet, i, length, (uint)i, i, (ushort)i, false), bytes.AsSpan(0, length)))
                {
                    i++;
                }
                else
                {
                    Thread.Yield();
                }
            }
        });
        writer.Start();
        for (var expected = 0; expected < Count;)
        {
            if (!queue.TryRead(out var head, out var payload))
            {
                Thread.Yield();
                continue;
            }

            Assert.Equal((expected, 1 + (expected * 37 % 1_400)), (head.Source, head.Length));
            Assert.True(payload[0] == (byte)expected && payload[^1] == (byte)expected);
            queue.Release(head);
            expected++;
        }

        writer.Join();
    }

    private RecorderTransport Record(Router router, string id = "recorder")
    {
        var recorder = router.Record(id, _queue, new RecordedTracks(true, id == "recorder", true), this, 1_000_000);
        Assert.True(recorder.IsOk, recorder.Error);
        return recorder.Value;
    }

    private (List<object> Controls, List<RecordHead> Packets, List<RecordHead> Reports) Drain()
    {
        var all = (Controls: new List<object>(), Packets: new List<RecordHead>(), Reports: new List<RecordHead>());
        while (_queue.TryRead(out var head, out _))
        {
            switch (head.Kind)
            {
                case RecordKind.Control:
                    all.Controls.Add(_queue.TakeControl()!);
                    break;
                case RecordKind.Packet:
                    all.Packets.Add(head);
                    break;
                default:
                    all.Reports.Add(head);
                    break;
            }

            _queue.Release(head);
        }

        return all;
    }
}
