using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

public sealed class SlotTests
{
    private readonly Conference _conference = new();

    [Fact]
    public void SixSpeakersAndThreeSlots_TheLoudestThreeAreCarried()
    {
        var slots = SixSpeakersAndThreeSlots();
        _conference.Run(500_000);

        Assert.Equal(["p-s1", "p-s2", "p-s3"], In(slots));
    }

    [Theory]
    [InlineData("s2", 38, "p-s2", "p-s4")]
    [InlineData("s2", 127, "p-s2", "p-s4")]
    [InlineData("s6", 10, "p-s3", "p-s6")]
    [InlineData("s6", 23, "p-s3", "p-s6")]
    public void LoudnessChanges_IsFollowedWithin100Milliseconds(string who, byte level, string goes, string comes)
    {
        // Speakers 1 to 6 have 20, 23, … 35: 3 dB less each.
        var slots = SixSpeakersAndThreeSlots();
        _conference.Run(1_000_000);
        var before = slots.ToDictionary(s => s.Id, s => s.Source!.Id);

        _conference[who].Level = level;
        _conference.Run(100_000);

        Assert.Equal(((string[])["p-s1", "p-s2", "p-s3"]).Select(p => p == goes ? comes : p).Order(), In(slots));

        // Who was and is among the loudest has not changed its slot.
        Assert.Equal(2, slots.Count(s => s.Source!.Id == before[s.Id]));
    }

    [Fact]
    public void ASwitch_IsOneStreamForTheReceiver()
    {
        var slots = SixSpeakersAndThreeSlots();
        var receiver = _conference["receiver"];
        _conference.Run(1_000_000);
        for (var i = 0; i < 20; i++)
        {
            // The first and the last change places, over and over.
            (_conference["s1"].Level, _conference["s6"].Level) = (_conference["s6"].Level, _conference["s1"].Level);
            _conference.Run(300_000);
        }

        var switched = slots.Single(s => s.Source!.Id is "p-s1" or "p-s6");
        var packets = receiver.ReceivedBy(switched);
        Assert.True(packets.Length > 300);
        for (var i = 1; i < packets.Length; i++)
        {
            Assert.Equal((ushort)(packets[i - 1].Sequence + 1), packets[i].Sequence);
            Assert.InRange((int)(packets[i].Timestamp - packets[i - 1].Timestamp), 960, 960 * 6);
        }

        // Each beginning has the marker, and no packet else; the stream's time is the clock's.
        Assert.Equal(21, packets.Count(p => p.Marker));
        Assert.True(packets[0].Marker);
        var elapsed = receiver.Received.Last(r => r.Packet.Ssrc == packets[0].Ssrc).Now - receiver.Received.First(r => r.Packet.Ssrc == packets[0].Ssrc).Now;
        Assert.InRange((packets[^1].Timestamp - packets[0].Timestamp) / 48.0, (elapsed / 1_000.0) - 40, (elapsed / 1_000.0) + 40);
    }

    [Fact]
    public void Slots_CarryTheClientsPayloadTypeAndExtensionIds()
    {
        _conference.Join("alice").Produce(30);
        var receiver = _conference.Join("receiver");
        var slot = receiver.OpenSlots(1)[0];
        _conference.Run(100_000);

        var packet = receiver.ReceivedBy(slot)[^1];
        Assert.Equal(109, packet.PayloadType);
        Assert.Equal([0x80 | 30], packet.Extension(3)!);
        Assert.Equal("slot0"u8.ToArray(), packet.Extension(9));
        var parameters = slot.RtpParameters;
        Assert.Equal(("slot0", 109), (parameters.Mid, parameters.Codecs.Single().PayloadType));
        Assert.False(string.IsNullOrEmpty(parameters.Rtcp.Cname));
    }

    [Fact]
    public void OwnVoice_IsInNoSlot_OnAnyOfItsTransports()
    {
        var alice = _conference.Join("alice");
        alice.Produce(10);
        var second = _conference.Join("alice-receiving");
        second.Transport.Owner = "alice";
        _conference.Join("bob").Produce(40);
        var slots = second.OpenSlots(3);
        var own = alice.OpenSlots(1);
        _conference.Run(500_000);

        Assert.Equal(["p-bob"], In(slots));
        Assert.Equal(["p-bob"], In(own));
    }

    [Fact]
    public void NearlyEqualSpeakers_DoNotTakeTurns()
    {
        var random = new Random(5);
        for (var i = 1; i <= 6; i++)
        {
            _conference.Join($"s{i}").Produce(30);
        }

        var slots = _conference.Join("receiver").OpenSlots(3);
        _conference.Run(500_000);
        var receiver = _conference["receiver"];
        receiver.Received.Clear();
        for (var i = 0; i < 250; i++)
        {
            for (var s = 1; s <= 6; s++)
            {
                _conference[$"s{s}"].Level = (byte)random.Next(29, 32);
            }

            _conference.Run(20_000);
        }

        Assert.DoesNotContain(receiver.Received, r => r.Packet.Marker);
    }

    [Fact]
    public void SilentParticipants_FillFreeSlots_SpeakersTakeThemFromThese()
    {
        _conference.Join("alice").Produce(90);
        _conference.Join("bob").Produce(80);
        var slots = _conference.Join("receiver").OpenSlots(2);
        _conference.Run(300_000);
        Assert.Equal(["p-alice", "p-bob"], In(slots));

        _conference.Join("carol").Produce(20);
        _conference.Run(100_000);
        Assert.Equal(["p-bob", "p-carol"], In(slots));

        // Louder noise moves nobody.
        _conference["carol"].Level = 127;
        _conference["alice"].Level = 60;
        _conference.Run(1_000_000);
        Assert.Equal(["p-bob", "p-carol"], In(slots));
    }

    [Fact]
    public void MutedSpeaker_IsNotForwardedOnePacketMore_AndLeavesItsSlot()
    {
        var slots = SixSpeakersAndThreeSlots();
        _conference.Run(500_000);
        var receiver = _conference["receiver"];
        Assert.Contains(receiver.Received, r => r.Packet.Extension(3)![0] == (0x80 | 20));
        _conference["s1"].Producer!.Pause(_conference.Now);
        receiver.Received.Clear();
        _conference.Run(100_000);

        Assert.DoesNotContain(receiver.Received, r => r.Packet.Extension(3)![0] == (0x80 | 20));
        Assert.Equal(["p-s2", "p-s3", "p-s4"], In(slots));
    }

    [Fact]
    public void DeafenedReceiver_GetsNothing_AndGoesOnAfterwards()
    {
        var slots = SixSpeakersAndThreeSlots();
        _conference.Run(500_000);
        var receiver = _conference["receiver"];
        foreach (var slot in slots)
        {
            slot.Pause(_conference.Now);
        }

        // The sound ends with frames of silence.
        var last = receiver.ReceivedBy(slots[0])[^1];
        Assert.Equal(Opus.Silence.ToArray(), last.Payload);
        receiver.Received.Clear();
        _conference.Run(500_000);
        Assert.Empty(receiver.Received);

        foreach (var slot in slots)
        {
            slot.Resume(_conference.Now);
        }

        _conference.Run(100_000);
        var first = receiver.ReceivedBy(slots[0])[0];
        Assert.Equal((ushort)(last.Sequence + 1), first.Sequence);
        Assert.True(first.Marker);
    }

    [Fact]
    public void ClosedProducer_FreesItsSlot_AndClosedSlotsFreeTheProducer()
    {
        var slots = SixSpeakersAndThreeSlots();
        _conference.Run(500_000);
        _conference["s2"].Producer!.Close(_conference.Now);
        _conference["s2"].Level = null;
        _conference.Run(100_000);
        Assert.Equal(["p-s1", "p-s3", "p-s4"], In(slots));

        foreach (var slot in slots)
        {
            slot.Close(_conference.Now);
        }

        var receiver = _conference["receiver"];
        receiver.Received.Clear();
        _conference.Run(100_000);
        Assert.Empty(receiver.Received);
        Assert.Empty(_conference.Router.Consumers);
    }

    [Fact]
    public void LargeRoom_TheLoudestOfHundredsAreCarried()
    {
        for (var i = 0; i < 300; i++)
        {
            _conference.Join($"s{i}").Produce((byte)(i % 100 == 99 ? 20 : 100));
        }

        var slots = _conference.Join("receiver").OpenSlots(3);
        _conference.Run(200_000);
        Assert.Equal(["p-s199", "p-s299", "p-s99"], In(slots));
    }

    [Fact]
    public void SecondRequest_SharesTheLoudestWithTheFirst()
    {
        var first = SixSpeakersAndThreeSlots();
        var second = _conference["receiver"].OpenSlots(2, "more");
        _conference.Run(500_000);

        Assert.Equal(["p-s1", "p-s2", "p-s3", "p-s4", "p-s5"], In([.. first, .. second]));
    }

    [Fact]
    public void WrongRequests_AreRefusedAsAWhole()
    {
        var receiver = _conference.Join("receiver").Transport;
        var good = Conference.Negotiated("0");
        var vp8 = good with { Codecs = [new RtpCodecParameters { MimeType = "audio/PCMU", PayloadType = 0, ClockRate = 8_000 }] };

        Assert.Equal(MediaFault.Unsupported, receiver.ConsumeLoudest(["a", "b"], [good, vp8], false, 0).Fault);
        Assert.Equal(MediaFault.Invalid, receiver.ConsumeLoudest(["a"], [good, good], false, 0).Fault);
        Assert.Equal(MediaFault.Invalid, receiver.ConsumeLoudest(["a", "a"], [good, good], false, 0).Fault);
        Assert.Equal(MediaFault.Invalid, receiver.ConsumeLoudest([], [], false, 0).Fault);
        Assert.Equal(MediaFault.Unsupported, receiver.ConsumeMix("m", vp8, false, 0).Fault);
        Assert.Empty(_conference.Router.Consumers);
        Assert.True(receiver.ConsumeLoudest(["a"], [good], false, 0).IsOk);
        Assert.Equal(MediaFault.Conflict, receiver.ConsumeLoudest(["b", "a"], [good, good], false, 0).Fault);
    }

    [Fact]
    public void SwitchingAndForwarding_AllocateNothing()
    {
        SixSpeakersAndThreeSlots();
        _conference["receiver"].Keeps = false;
        _conference.Keeps = false;
        Shuffle(40);
        var sent = _conference["receiver"].Transport.Stats.RtpPacketsSent;
        var before = Allocations.Begin();
        Shuffle(40);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(_conference["receiver"].Transport.Stats.RtpPacketsSent - sent > 1_000);
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

    private SlotConsumer[] SixSpeakersAndThreeSlots()
    {
        for (var i = 1; i <= 6; i++)
        {
            _conference.Join($"s{i}").Produce((byte)(17 + (3 * i)));
        }

        return _conference.Join("receiver").OpenSlots(3);
    }

    private static IEnumerable<string> In(IEnumerable<SlotConsumer> slots) => slots.Where(s => s.Source is not null).Select(s => s.Source!.Id).Order();
}
