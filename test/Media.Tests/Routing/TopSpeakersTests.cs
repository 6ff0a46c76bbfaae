using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

public sealed class TopSpeakersTests
{
    private readonly Conference _conference = new();

    [Fact]
    public void SixSpeakersAndALimitOfThree_TheLoudestThreeAreForwarded()
    {
        var consumers = Six(limit: 3);
        _conference.Run(500_000);
        Assert.Equal(["p-s1", "p-s2", "p-s3"], Heard(consumers));
        Assert.Equal(3, _conference.Router.Top.Seated);
        Assert.True(_conference["s6"].Transport.Stats.Dropped(DropReason.NotTopSpeaker) > 20);

        // The first packet comes before anybody has a place.
        Assert.InRange(_conference["s1"].Transport.Stats.Dropped(DropReason.NotTopSpeaker), 0, 1);
    }

    [Theory]
    [InlineData("s2", 38, "p-s2", "p-s4")]
    [InlineData("s2", 127, "p-s2", "p-s4")]
    [InlineData("s6", 10, "p-s3", "p-s6")]
    public void LoudnessChanges_IsFollowedWithin100Milliseconds(string who, byte level, string goes, string comes)
    {
        var consumers = Six(limit: 3);
        _conference.Run(1_000_000);
        _conference[who].Level = level;
        _conference.Run(100_000);
        _conference["receiver"].Received.Clear();
        _conference.Run(200_000);

        Assert.Equal(((string[])["p-s1", "p-s2", "p-s3"]).Select(p => p == goes ? comes : p).Order(), Heard(consumers));
    }

    [Fact]
    public void EachStream_GoesOnWithoutAGap_AndBeginsWithTheMarker()
    {
        var consumers = Six(limit: 3);
        var receiver = _conference["receiver"];
        _conference.Run(1_000_000);
        for (var i = 0; i < 20; i++)
        {
            (_conference["s1"].Level, _conference["s6"].Level) = (_conference["s6"].Level, _conference["s1"].Level);
            _conference.Run(300_000);
        }

        foreach (var who in (string[])["p-s1", "p-s6"])
        {
            var packets = receiver.ReceivedBy(consumers.Single(c => c.Producer.Id == who));
            Assert.InRange(packets.Length, 100, 300);
            for (var i = 1; i < packets.Length; i++)
            {
                Assert.Equal((ushort)(packets[i - 1].Sequence + 1), packets[i].Sequence);
                Assert.InRange((int)(packets[i].Timestamp - packets[i - 1].Timestamp), 1, 48_000);
            }

            // Its time is the source's: what was held back is missing in it, as in a pause.
            var sent = receiver.Received.Where(r => r.Packet.Ssrc == packets[0].Ssrc).ToArray();
            Assert.InRange((packets[^1].Timestamp - packets[0].Timestamp) / 48.0, ((sent[^1].Now - sent[0].Now) / 1_000.0) - 150, ((sent[^1].Now - sent[0].Now) / 1_000.0) + 150);
            Assert.True(packets[0].Marker);
            Assert.InRange(packets.Count(p => p.Marker), 10, 11);
        }
    }

    [Fact]
    public void LosingThePlace_EndsInSilence()
    {
        var consumers = Six(limit: 3);
        _conference.Run(1_000_000);
        _conference["s6"].Level = 10;
        _conference.Run(500_000);

        var packets = _conference["receiver"].ReceivedBy(consumers.Single(c => c.Producer.Id == "p-s3"));
        Assert.All(packets[^5..], p => Assert.Equal([0xF8, 0xFF, 0xFE], p.Payload));
    }

    [Fact]
    public void SilentAndMutedProducers_NeverTakeAPlace()
    {
        for (var i = 1; i <= 3; i++)
        {
            _conference.Join($"silent{i}").Produce(127);
        }

        _conference.Join("muted").Produce(10).Pause(_conference.Now);
        _conference.Join("absent").Produce(null);
        _conference.Join("talker").Produce(60);
        var consumers = Consume("receiver");
        _conference.Router.SetTopSpeakers(3, _conference.Now);
        _conference.Run(1_000_000);

        Assert.Equal(["p-talker"], Heard(consumers));
        Assert.Equal(1, _conference.Router.Top.Seated);
    }

    [Fact]
    public void WhoFellSilent_LeavesForWhoIsHeard_ButKeepsAPlaceNobodyNeeds()
    {
        _conference.Join("a").Produce(20);
        _conference.Join("b").Produce(127);
        var consumers = Consume("receiver");
        _conference.Router.SetTopSpeakers(1, _conference.Now);
        _conference.Run(500_000);
        _conference["a"].Level = 127;
        _conference.Run(2_000_000);
        _conference["a"].Level = 20;
        _conference["receiver"].Received.Clear();
        _conference.Run(40_000);

        // No packet of the first word is missing.
        Assert.Equal(2, _conference["receiver"].ReceivedBy(consumers.Single(c => c.Producer.Id == "p-a")).Length);
        _conference["a"].Level = 127;
        _conference.Run(600_000);
        _conference["b"].Level = 70;
        _conference.Run(100_000);
        _conference["receiver"].Received.Clear();
        _conference.Run(200_000);
        Assert.Equal(["p-b"], Heard(consumers));
    }

    [Fact]
    public void PausedProducer_LeavesItsPlaceAtOnce()
    {
        var consumers = Six(limit: 3);
        _conference.Run(500_000);
        _conference["s1"].Producer!.Pause(_conference.Now);
        _conference.Run(30_000);
        _conference["receiver"].Received.Clear();
        _conference.Run(200_000);
        Assert.Equal(["p-s2", "p-s3", "p-s4"], Heard(consumers));

        _conference["s2"].Producer!.Close(_conference.Now);
        _conference.Run(30_000);
        _conference["receiver"].Received.Clear();
        _conference.Run(200_000);
        Assert.Equal(["p-s3", "p-s4", "p-s5"], Heard(consumers));
    }

    [Fact]
    public void Limit_CanBeChangedAndLifted()
    {
        var consumers = Six(limit: 3);
        _conference.Run(500_000);
        foreach (var (limit, heard) in ((int, int)[])[(1, 1), (5, 5), (0, 6), (2, 2)])
        {
            _conference.Router.SetTopSpeakers(limit, _conference.Now);
            _conference.Run(200_000);
            _conference["receiver"].Received.Clear();
            _conference.Run(200_000);
            Assert.Equal(heard, Heard(consumers).Count());
        }

        Assert.Equal(2, _conference.Router.TopSpeakers);
    }

    [Fact]
    public void NearlyEqualSpeakers_DoNotTakeTurns()
    {
        var random = new Random(5);
        var consumers = Six(limit: 3);
        _conference.Run(500_000);
        var changes = _conference.Router.Top.Changes;
        for (var i = 0; i < 250; i++)
        {
            for (var s = 1; s <= 6; s++)
            {
                _conference[$"s{s}"].Level = (byte)(29 + random.Next(3));
            }

            _conference.Run(20_000);
        }

        Assert.InRange(_conference.Router.Top.Changes - changes, 0, 12);
        Assert.NotEmpty(consumers);
    }

    [Fact]
    public void SlotsTheMixAndRecorders_ChooseForThemselves()
    {
        Six(limit: 1);
        var listener = _conference.Join("listener");
        var slots = listener.OpenSlots(4);
        var mix = Audio.OpusSupport.IsAvailable ? listener.OpenMix() : null;
        var recorder = _conference.Router.Record("rec", new RecordingQueue(1 << 20), new RecordedTracks(true, false, false), null, _conference.Now);
        Assert.True(recorder.IsOk);
        _conference.Run(1_000_000);

        Assert.All(slots, s => Assert.True(listener.ReceivedBy(s).Length > 30));
        Assert.True(recorder.Value.Stats.RtpPacketsSent >= 6 * 49);
        Assert.True(mix is null || listener.ReceivedBy(mix).Length > 30);
    }

    [Fact]
    public void ConsumerOfAProducerWithoutAPlace_StartsCleanWhenItGetsOne()
    {
        Six(limit: 3);
        _conference.Run(500_000);
        var late = _conference.Join("late").Transport.Consume("late", "p-s6", Router.RtpCapabilities, false, _conference.Now).Value!;
        _conference.Run(500_000);
        Assert.Empty(_conference["late"].Received);
        _conference["s6"].Level = 5;
        _conference.Run(500_000);
        var packets = _conference["late"].ReceivedBy(late);
        Assert.InRange(packets.Length, 15, 25);
        Assert.True(packets[0].Marker);
    }

    [Fact]
    public void Pictures_AreNotHeldBack()
    {
        var room = new TestRoom();
        room.Router.SetTopSpeakers(1, 0);
        room.Sender.Produce("v", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        Assert.True(room.Receiver.Consume("c", "v", Router.RtpCapabilities, false, 0).IsOk);
        room.Receive(MediaFixtures.Vp8(1, 1, 1, key: true));
        Assert.Single(room.ToReceiver);
    }

    [Fact]
    public void HoldingBackAndChangingPlaces_AllocateNothing()
    {
        Six(limit: 3);
        _conference["receiver"].Keeps = false;
        _conference.Keeps = false;
        Shuffle(40);
        var sent = _conference["receiver"].Transport.Stats.RtpPacketsSent;
        var changes = _conference.Router.Top.Changes;
        var before = Allocations.Begin();
        Shuffle(40);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(_conference["receiver"].Transport.Stats.RtpPacketsSent - sent > 1_000);
        Assert.True(_conference.Router.Top.Changes - changes >= 40);
        Assert.Equal(0, allocated);

        void Shuffle(int times)
        {
            for (var i = 0; i < times; i++)
            {
                (_conference["s1"].Level, _conference["s6"].Level) = (_conference["s6"].Level, _conference["s1"].Level);
                _conference.Run(200_000);
            }
        }
    }

    [Fact]
    public void HundredsWhoSpeak_AreReportedByTheLoudest()
    {
        for (var i = 0; i < 200; i++)
        {
            _conference.Join($"s{i}").Produce((byte)(10 + (i % 40)));
        }

        // Ten reports go out in the first tenth of a second, one for each beginning; then no more for the second.
        _conference.Run(2_000_000);
        var (_, producers) = _conference.Speakers[^1];
        Assert.Equal(32, producers.Length);
        Assert.Equal(["p-s0", "p-s120", "p-s160", "p-s40", "p-s80"], producers[..5].Order());
    }

    [Theory]
    [InlineData(100, 10, 32)]
    [InlineData(500, 2, 16)]
    [InlineData(1_200, 1, 8)]
    public void Reports_AreFewerASecondAndNameFewer_TheLargerTheRoom(int voices, int most, int named)
    {
        var random = new Random(3);
        for (var i = 0; i < voices; i++)
        {
            _conference.Join($"s{i}").Produce((byte)random.Next(10, 45));
        }

        for (var i = 0; i < 30; i++)
        {
            for (var s = 0; s < voices; s += 7)
            {
                _conference[$"s{s}"].Level = (byte)random.Next(10, 127);
            }

            _conference.Run(100_000);
        }

        var times = _conference.Speakers.Select(s => s.Now).ToArray();
        Assert.True(times.Length > 2 * most);
        for (var i = most; i < times.Length; i++)
        {
            Assert.True(times[i] - times[i - most] >= 1_000_000);
        }

        Assert.Equal(named, _conference.Speakers[^1].Producers.Length);
    }

    private ProducerConsumer[] Six(int limit)
    {
        for (var i = 1; i <= 6; i++)
        {
            _conference.Join($"s{i}").Produce((byte)(17 + (3 * i)));
        }

        _conference.Router.SetTopSpeakers(limit, _conference.Now);
        return Consume("receiver");
    }

    private ProducerConsumer[] Consume(string name)
    {
        var receiver = _conference.Join(name);
        return [.. _conference.Router.Producers.Keys.ToArray().Select(p => receiver.Transport.Consume($"{name}-{p}", p, Router.RtpCapabilities, false, _conference.Now).Value!)];
    }

    private IEnumerable<string> Heard(ProducerConsumer[] consumers) =>
        consumers.Where(c => _conference["receiver"].ReceivedBy(c).Length > 2).Select(c => c.Producer.Id).Order();
}
