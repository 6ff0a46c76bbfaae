using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;
using VoiceCluster.Tests;

namespace VoiceCluster.Media.Tests.Transports;

/// <summary>A room on two workers of one process.</summary>
public sealed class WorkerPipeTests : IDisposable
{
    private readonly LinkedWorkers _workers = new();
    private readonly List<SentRtp> _heard = [];
    private readonly List<byte[]> _toAlice = [];

    public void Dispose() => _workers.Dispose();

    [Fact]
    public void Audio_OfOneWorker_ReachesConsumerSlotAndMixOfTheOther_InsideTheProcess()
    {
        var alice = Speaker();
        var copy = _workers.Carry("p");
        var bob = Listener();
        var consumer = bob.Consume("c", "p", Router.RtpCapabilities, false, _workers.Now).Value!;
        var slot = bob.ConsumeLoudest(["s"], [Conference.Negotiated("0")], false, _workers.Now).Value![0];
        var mix = bob.ConsumeMix("m", Conference.Negotiated("1"), false, _workers.Now).Value!;
        Speak(alice, 0, 50, level: 21);

        var own = _heard.Where(p => p.Ssrc == consumer.RtpParameters.Encodings[0].Ssrc).ToArray();
        Assert.Equal(50, own.Length);
        Assert.All(own, p => Assert.Equal([0x80 | 21], p.Extension(10)!));
        Assert.Equal(Enumerable.Range(own[0].Sequence, 50), own.Select(p => (int)p.Sequence));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (uint)(i * 960)), own.Select(p => p.Timestamp));
        Assert.InRange(_heard.Count(p => p.Ssrc == slot.RtpParameters.Encodings[0].Ssrc), 45, 50);
        Assert.InRange(_heard.Count(p => p.Ssrc == mix.RtpParameters.Encodings[0].Ssrc), 40, 51);
        Assert.Equal("alice", copy.Owner);
        Assert.True(_workers.RoomB.HearsEverybody);
        Assert.False(_workers.RoomA.HearsEverybody);
    }

    [Fact]
    public void Counters_TellClientsFromPipes()
    {
        var alice = Speaker();
        _workers.Carry("p");
        Listener().Consume("c", "p", Router.RtpCapabilities, false, _workers.Now);
        Speak(alice, 0, 60);

        Assert.Equal((1, 0), (_workers.A.Stats.Producers, _workers.A.Stats.Consumers));
        Assert.Equal((0, 1), (_workers.B.Stats.Producers, _workers.B.Stats.Consumers));
        Assert.Equal((1, 1), (_workers.A.Stats.WorkerPipes, _workers.B.Stats.WorkerPipes));
        Assert.Equal((1, 0, 0, 1), (_workers.A.Stats.Routers, _workers.A.Stats.Branches, _workers.B.Stats.Routers, _workers.B.Stats.Branches));
        Assert.True(_workers.B.Stats.WorkerPipePackets >= 60);
        Assert.Equal(0, _workers.A.Stats.Media.RtpPacketsSent);
        Assert.Equal((0, 1), (_workers.RoomA.ClientConsumers, _workers.RoomB.ClientConsumers));

        _workers.Dispose();
        Assert.Equal((0, 0), (_workers.A.Stats.WorkerPipes, _workers.B.Stats.WorkerPipes));
        Assert.Equal((0, 0), (_workers.A.Stats.Routers, _workers.B.Stats.Branches));
        Assert.Equal(0, _workers.RoomB.ClientConsumers);
    }

    [Fact]
    public void NobodyHearsItself_WhenItsOtherTransportIsAtAnotherWorker()
    {
        var alice = Speaker();
        _workers.Carry("p");
        var ears = Listener("alice's ears");
        ears.Owner = "alice";
        ears.ConsumeLoudest(["s"], [Conference.Negotiated("0")], false, _workers.Now);
        Speak(alice, 0, 20);
        Assert.Empty(_heard);
    }

    [Fact]
    public void PictureLoss_AtTheOtherWorker_IsAskedOfTheSender()
    {
        var alice = _workers.Join(_workers.RoomA, "alice");
        alice.RtcpSent = (p, _) => _toAlice.Add(p.ToArray());
        alice.Produce("v", MediaKind.Video, MediaFixtures.Video(1), false, _workers.Now);
        _workers.Carry("v");
        var bob = Listener();
        var consumer = bob.Consume("c", "v", Router.RtpCapabilities, false, _workers.Now).Value!;
        Show(alice, 0, 10);
        Assert.Equal(10, _heard.Count);
        var asked = Asked();
        Assert.True(asked > 0);

        consumer.RequestKeyFrame(_workers.Now);
        _workers.Run(1_500_000);
        Assert.Equal(asked + 1, Asked());
    }

    [Fact]
    public void Simulcast_CarriesEveryLayer_AndTheOtherWorkerChooses()
    {
        var alice = _workers.Join(_workers.RoomA, "alice");
        alice.Produce("v", MediaKind.Video, MediaFixtures.Simulcast(), false, _workers.Now);
        var copy = _workers.Carry("v");
        Assert.Equal(2, copy.RtpParameters.Encodings.Length);
        var consumer = Listener().Consume("c", "v", Router.RtpCapabilities, false, _workers.Now).Value!;
        Layers(0, 60);
        Assert.Equal(1, consumer.CurrentSpatialLayer);
        consumer.SetPreferredLayers(0, null, _workers.Now);
        Layers(60, 60);
        Assert.Equal(0, consumer.CurrentSpatialLayer);
        Assert.Equal(Enumerable.Range(_heard[0].Sequence, _heard.Count), _heard.Select(p => (int)p.Sequence));

        void Layers(int first, int frames)
        {
            for (var i = first; i < first + frames; i++)
            {
                foreach (var (rid, ssrc) in ((string, uint)[])[("q", 100), ("f", 200)])
                {
                    alice.ReceiveRtp(
                        MediaFixtures.Packet(
                            MediaFixtures.ClientVp8, ssrc, (ushort)i, (uint)(i * 3000), MediaFixtures.Vp8Payload(true, i % 20 == 0, i, (byte)i),
                            MediaFixtures.ClientRidId, System.Text.Encoding.ASCII.GetBytes(rid), marker: true),
                        _workers.Now);
                }

                _workers.Run(33_000);
            }
        }
    }

    [Fact]
    public void Svc_CarriesEveryLayer_AndTheOtherWorkerChoosesForEachReceiver()
    {
        var camera = new SvcCamera(_workers.Join(_workers.RoomA, "alice"), _workers.Now);
        _workers.Carry("p");
        var consumer = Listener().Consume("c", "p", Router.RtpCapabilities, false, _workers.Now).Value!;
        Assert.Equal("L3T1_KEY", consumer.RtpParameters.Encodings[0].ScalabilityMode);
        List<SentRtp> low = [];
        var other = _workers.Join(_workers.RoomB, "carol");
        other.RtpSent = (p, _) => low.Add(SentRtp.From(p));
        var lowest = other.Consume("d", "p", Router.RtpCapabilities, false, _workers.Now).Value!;
        lowest.SetPreferredLayers(0, null, _workers.Now);
        Show(90);
        Assert.Equal((2, 0), (consumer.CurrentSpatialLayer, lowest.CurrentSpatialLayer));

        // A wish that rises asks the camera for a key picture through the pipe; one that falls takes effect at once.
        var keys = camera.KeyPictures;
        consumer.SetPreferredLayers(1, null, _workers.Now);
        Show(10);
        Assert.Equal((1, keys), (consumer.CurrentSpatialLayer, camera.KeyPictures));
        consumer.SetPreferredLayers(2, null, _workers.Now);
        Show(60);
        Assert.Equal(2, consumer.CurrentSpatialLayer);
        Assert.InRange(camera.KeyPictures, keys + 1, keys + 2);
        Assert.All(SvcCamera.LayersOf(low), l => Assert.Equal(0, l));
        var layers = SvcCamera.LayersOf(_heard);
        Assert.Equal([0, 0, 1, 1, 2, 2], layers[^6..]);
        Assert.Contains(layers.Chunk(2).Zip(layers.Chunk(2).Skip(1)), p => p.First[0] == 1 && p.Second[0] == 0);

        // Each has one series of numbers, and the last packet of a picture ends it.
        foreach (var got in (List<SentRtp>[])[_heard, low])
        {
            Assert.Equal(got.Select((_, i) => (ushort)(got[0].Sequence + i)), got.Select(p => p.Sequence));
            Assert.Equal(got.Zip(got.Skip(1)).Select(p => p.First.Timestamp != p.Second.Timestamp), got.SkipLast(1).Select(p => p.Marker));
        }

        void Show(int pictures)
        {
            for (var i = 0; i < pictures; i++)
            {
                camera.Send(_workers.Now);
                _workers.Run(33_000);
            }
        }
    }

    [Fact]
    public void Paused_AtBothEnds_IsSilentAndGoesOn()
    {
        var alice = Speaker();
        var copy = _workers.Carry("p");
        Listener().Consume("c", "p", Router.RtpCapabilities, false, _workers.Now);
        Speak(alice, 0, 10);
        var source = _workers.RoomA.Producers["p"];
        source.Pause(_workers.Now);
        copy.Pause(_workers.Now);
        Speak(alice, 10, 10);
        Assert.Equal(15, _heard.Count);

        source.Resume(_workers.Now);
        copy.Resume(_workers.Now);
        Speak(alice, 20, 10);
        Assert.InRange(_heard.Count, 24, 30);
        Assert.Equal(Enumerable.Range(_heard[0].Sequence, _heard.Count), _heard.Select(p => (int)p.Sequence));
    }

    [Fact]
    public void Full_LosesAndCounts_AndVideoIsMadeGoodOnceTheOtherWorkerReadsAgain()
    {
        using var workers = new LinkedWorkers(capacity: 16_384);
        var heard = new List<SentRtp>();
        var alice = workers.Join(workers.RoomA, "alice");
        alice.Produce("v", MediaKind.Video, MediaFixtures.Video(1), false, workers.Now);
        workers.Carry("v");
        var bob = workers.Join(workers.RoomB, "bob");
        bob.RtpSent = (p, _) => heard.Add(SentRtp.From(p));
        bob.Consume("c", "v", Router.RtpCapabilities, false, workers.Now);
        Frames(0, 10);
        Assert.Equal(10, heard.Count);

        workers.IsBAwake = false;
        Frames(10, 500);
        Assert.Equal(10, heard.Count);
        var dropped = workers.PipeA.Stats.Dropped(DropReason.PipeFull);
        Assert.True(dropped > 50);

        // What is in the ring comes, the newest of what is missing is asked for and sent again; then all flows as before.
        workers.IsBAwake = true;
        Frames(510, 100);
        Assert.True(workers.PipeA.Stats.PacketsRetransmitted > 0);
        var last = heard[^50..];
        Assert.Equal(Enumerable.Range(last[0].Sequence, 50), last.Select(p => (int)p.Sequence));
        workers.Run(1_500_000);
        Assert.Equal(workers.PipeA.Stats.Dropped(DropReason.PipeFull), workers.A.Stats.Dropped(DropReason.PipeFull));

        void Frames(int first, int count)
        {
            for (var i = first; i < first + count; i++)
            {
                alice.ReceiveRtp(MediaFixtures.Vp8(1, (ushort)i, (uint)(i * 3000), key: i % 10 == 0, pictureId: i, tl0: (byte)i), workers.Now);
                workers.Run(4_000);
            }
        }
    }

    [Fact]
    public void Closed_AtOneEnd_OrNotOpenedYet_HarmsNobody()
    {
        using var workers = new LinkedWorkers(opensFarEnd: false);
        var alice = workers.Join(workers.RoomA, "alice");
        alice.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, workers.Now);
        Assert.True(workers.PipeA.ConsumeForPipe("p", workers.Now).IsOk);
        var far = workers.B.CreateWorkerPipe(workers.RoomB, "pipe", 1, workers.Ends.Other, workers.Now).Value!;
        far.Close(workers.Now);
        for (var i = 0; i < 20; i++)
        {
            alice.ReceiveRtp(MediaFixtures.Opus(1, (ushort)i, (uint)(i * 960)), workers.Now);
            workers.Run(20_000);
        }

        Assert.True(workers.B.Stats.Dropped(DropReason.UnknownSource) >= 20);
        workers.PipeA.Close(workers.Now);
        Assert.Empty(workers.RoomA.Producers["p"].Consumers.ToArray());
        Assert.Equal((0, 0), (workers.A.Stats.WorkerPipes, workers.B.Stats.WorkerPipes));
    }

    [Fact]
    public void Commands_ThatMakeNoSense_AreRefused()
    {
        Speaker();
        _workers.Carry("p");
        Assert.Equal(MediaFault.NotFound, _workers.PipeA.ConsumeForPipe("x", _workers.Now).Fault);

        // What came from a worker goes to no other: each gets it from where its client is.
        Assert.Equal(MediaFault.Conflict, _workers.PipeB.ConsumeForPipe("p", _workers.Now).Fault);
        Assert.Equal(MediaFault.Conflict, _workers.A.CreateWorkerPipe(_workers.RoomA, "pipe", 2, _workers.Ends.One, _workers.Now).Fault);
        Assert.Equal(MediaFault.Conflict, _workers.A.CreateWorkerPipe(_workers.RoomA, "other", 1, _workers.Ends.One, _workers.Now).Fault);
        _workers.RoomA.Close(_workers.Now);
        Assert.Equal(MediaFault.Closed, _workers.A.CreateWorkerPipe(_workers.RoomA, "late", 3, _workers.Ends.One, _workers.Now).Fault);
    }

    [Fact]
    public void NodePipe_GetsWhatCameFromAnotherWorker_AndGivesToIt()
    {
        Speaker();
        _workers.Carry("p");
        var node = _workers.B.CreatePipeTransport(_workers.RoomB, "to another node", _workers.Now).Value!;
        Assert.True(node.ConsumeForPipe("p", _workers.Now).IsOk);
        node.Produce("q", MediaKind.Audio, MediaFixtures.Audio(9) with { Mid = "9" }, false, _workers.Now, "carol");
        Assert.True(_workers.PipeB.ConsumeForPipe("q", _workers.Now).IsOk);
        Assert.Equal(MediaFault.Conflict, node.ConsumeForPipe("q", _workers.Now).Fault);
    }

    [Fact]
    public void Packets_FromWorkerToWorker_AllocateNothing()
    {
        var alice = Speaker();
        _workers.Carry("p");
        var bob = _workers.Join(_workers.RoomB, "bob");
        var count = 0;
        bob.RtpSent = (_, _) => count++;
        bob.Consume("c", "p", Router.RtpCapabilities, false, _workers.Now);
        var packets = Enumerable.Range(0, 4_000).Select(i => MediaFixtures.Opus(1, (ushort)i, (uint)(i * 960))).ToArray();
        var before = 0L;
        for (var i = 0; i < packets.Length; i++)
        {
            before = i == 2_000 ? Allocations.Begin() : before;
            alice.ReceiveRtp(packets[i], _workers.Now);
            _workers.Tick();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(packets.Length, count);
    }

    private int Asked() => _toAlice.Sum(p => TestRoom.Count(p, RtcpType.PayloadFeedback, PayloadFeedbackFormat.PictureLoss));

    private LoopbackTransport Speaker()
    {
        var alice = _workers.Join(_workers.RoomA, "alice");
        Assert.True(alice.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, _workers.Now).IsOk);
        return alice;
    }

    private LoopbackTransport Listener(string name = "bob")
    {
        var bob = _workers.Join(_workers.RoomB, name);
        bob.RtpSent = (p, _) => _heard.Add(SentRtp.From(p));
        return bob;
    }

    private void Speak(LoopbackTransport alice, int first, int packets, byte level = 20)
    {
        for (var i = first; i < first + packets; i++)
        {
            alice.ReceiveRtp(MediaFixtures.Opus(1, (ushort)i, (uint)(i * 960), level), _workers.Now);
            _workers.Run(20_000);
        }
    }

    private void Show(LoopbackTransport alice, int first, int frames)
    {
        for (var i = first; i < first + frames; i++)
        {
            alice.ReceiveRtp(MediaFixtures.Vp8(1, (ushort)i, (uint)(i * 3000), key: i == 0, pictureId: i, tl0: (byte)i), _workers.Now);
            _workers.Run(33_000);
        }
    }
}
