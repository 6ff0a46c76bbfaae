using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

/// <summary>A receiver that has lost a packet of sound asks for it, as browsers do where nack is agreed for Opus.</summary>
public sealed class SoundRetransmissionTests
{
    private readonly TestRoom _room = new() { Now = 1_000_000 };
    private ushort _number = 65_500;

    [Fact]
    public void Nack_OfSound_IsAnsweredByTheSameBytes()
    {
        var consumer = Consume();
        Speak(20);
        foreach (var lost in (int[])[0, 7, 19])
        {
            var sent = _room.ToReceiver.Count;
            Nack(consumer, _room.ToReceiver[lost].Sequence);

            // Its send time and, of the first, the marker: other bytes would be protected twice under one SRTP index.
            Assert.Equal(sent + 1, _room.ToReceiver.Count);
            Assert.Equal(_room.ToReceiver[lost].Bytes, _room.ToReceiver[^1].Bytes);
        }

        Assert.Equal((3, 3), (_room.Receiver.Stats.NacksReceived, _room.Receiver.Stats.PacketsRetransmitted));
    }

    [Fact]
    public void Nack_AfterLossAtTheSourceAndAPause_HasTheNumbersThatThereAre()
    {
        var consumer = Consume();
        Speak(10);
        _number += 2;
        Speak(10);
        Nack(consumer, (ushort)(_room.ToReceiver[9].Sequence + 1));
        Nack(consumer, (ushort)(_room.ToReceiver[19].Sequence + 1));
        Assert.Equal(20, _room.ToReceiver.Count);

        // Frames of silence end the sound, and are not kept; what was before them is of no use any more.
        consumer.Pause(_room.Now);
        consumer.Resume(_room.Now);
        var silence = _room.ToReceiver.Count - 1;
        Nack(consumer, _room.ToReceiver[silence].Sequence);
        Nack(consumer, _room.ToReceiver[15].Sequence);
        Assert.Equal(silence + 1, _room.ToReceiver.Count);
        Speak(5);
        Nack(consumer, _room.ToReceiver[silence + 1].Sequence);
        Assert.Equal(_room.ToReceiver[silence + 1].Bytes, _room.ToReceiver[^1].Bytes);
        Assert.Equal(silence + 7, _room.ToReceiver.Count);

        // The sender's numbers begin anew.
        (_number, var before) = (20_000, _room.ToReceiver.Count);
        Speak(4);
        Nack(consumer, _room.ToReceiver[^1].Sequence);
        Assert.Equal(_room.ToReceiver[^2].Bytes, _room.ToReceiver[^1].Bytes);
        Assert.True(_room.ToReceiver.Count > before);
    }

    [Fact]
    public void Nack_OfOldSound_OrTooOften_IsNotAnswered()
    {
        var consumer = Consume();
        Speak(60);
        Nack(consumer, _room.ToReceiver[20].Sequence);
        Assert.Equal(60, _room.ToReceiver.Count);
        for (var i = 0; i < 200; i++)
        {
            Nack(consumer, _room.ToReceiver[59].Sequence);
        }

        Assert.Equal(50, _room.Receiver.Stats.PacketsRetransmitted);
        _room.Now += 1_000_000;
        Nack(consumer, _room.ToReceiver[59].Sequence);
        Assert.Equal(50, _room.Receiver.Stats.PacketsRetransmitted);
    }

    [Fact]
    public void Nack_WhereItIsNotAgreed_IsNotAnswered_AndNothingIsKept()
    {
        var capabilities = Router.RtpCapabilities with { Codecs = [.. Router.RtpCapabilities.Codecs.Select(c => c with { RtcpFeedback = [] })] };
        var consumer = Consume(capabilities);
        Speak(10);
        Nack(consumer, _room.ToReceiver[5].Sequence);
        Assert.Equal(10, _room.ToReceiver.Count);
        Assert.Null(_room.Router.Producers["p"].Streams[0]!.RecentSound);
    }

    [Fact]
    public void Nack_OfASlot_IsAnsweredByTheSameBytes()
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, _room.Now);
        var negotiated = Conference.Negotiated("0");
        var slot = _room.Receiver.ConsumeLoudest(
            ["s"], [negotiated with { Codecs = [.. negotiated.Codecs.Select(c => c with { RtcpFeedback = [new RtcpFeedback("nack")] })] }], false, _room.Now).Value![0];
        Speak(30);
        Assert.Equal("p", slot.Source?.Id);
        foreach (var lost in (int[])[0, _room.ToReceiver.Count - 1])
        {
            Nack(slot, _room.ToReceiver[lost].Sequence);
            Assert.Equal(_room.ToReceiver[lost].Bytes, _room.ToReceiver[^1].Bytes);
        }

        Assert.Equal(2, _room.Receiver.Stats.PacketsRetransmitted);
    }

    [Fact]
    public void Nack_OfTheMix_IsAnsweredByTheSameBytes_UntilItIsOld()
    {
        Assert.True(OpusSupport.IsAvailable, "The system has no libopus.");
        var mix = OpenMix("nack");
        Run(60);
        var packets = _room.ToReceiver.ToArray();
        Assert.InRange(packets.Length, 50, 60);
        foreach (var lost in packets[^20..])
        {
            Nack(mix, lost.Sequence);
            Assert.Equal(lost.Bytes, _room.ToReceiver[^1].Bytes);
        }

        Assert.Equal((20, 20), (_room.Receiver.Stats.NacksReceived, _room.Receiver.Stats.PacketsRetransmitted));

        // Too old, not sent yet, and the frames of silence that end it.
        Nack(mix, packets[5].Sequence);
        Nack(mix, (ushort)(packets[^1].Sequence + 1));
        mix.Pause(_room.Now);
        mix.Resume(_room.Now);
        Nack(mix, _room.ToReceiver[^1].Sequence);
        Assert.Equal(20, _room.Receiver.Stats.PacketsRetransmitted);
        Run(10);
        Nack(mix, _room.ToReceiver[^3].Sequence);
        Assert.Equal(_room.ToReceiver[^4].Bytes, _room.ToReceiver[^1].Bytes);
    }

    [Fact]
    public void Nack_OfTheMix_WhereItIsNotAgreed_IsNotAnswered()
    {
        Assert.True(OpusSupport.IsAvailable, "The system has no libopus.");
        var mix = OpenMix("transport-cc");
        Run(60);
        var sent = _room.ToReceiver.Count;
        Nack(mix, _room.ToReceiver[^1].Sequence);
        Assert.Equal((sent, 1), (_room.ToReceiver.Count, _room.Receiver.Stats.NacksReceived));
    }

    [Fact]
    public void Mix_ThatIsKept_AllocatesNothing()
    {
        Assert.True(OpusSupport.IsAvailable, "The system has no libopus.");
        var mix = OpenMix("nack");
        (_room.Receiver.RtpSent, _room.Receiver.RtcpSent, _room.Sender.RtcpSent) = (null, null, null);
        var packet = MediaFixtures.Packet(MediaFixtures.ClientOpus, 1, 0, 0, Opus.Silence, MediaFixtures.ClientAudioLevelId, [0x80 | 20]);
        var nack = new byte[16];
        Speak(500);
        var before = Allocations.Begin();
        Speak(500);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(_room.Receiver.Stats.PacketsRetransmitted > 100);

        void Speak(int packets)
        {
            for (var i = 0; i < packets; i++)
            {
                System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), _number++);
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), _number * 960u);
                _room.Receive(packet);
                _room.Now += 20_000;
                _room.Router.Advance(_room.Now);
                new RtcpWriter(nack).AddNack(new Ssrc(77), mix.Sender.Ssrc, [(ushort)(mix.LastSequence - 2)]);
                _room.Receiver.ReceiveRtcp(nack, _room.Now);
            }
        }
    }

    private MixConsumer OpenMix(string feedback)
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, _room.Now);
        var negotiated = Conference.Negotiated("0");
        negotiated = negotiated with { Codecs = [.. negotiated.Codecs.Select(c => c with { RtcpFeedback = [new RtcpFeedback(feedback)] })] };
        return _room.Receiver.ConsumeMix("m", negotiated, false, _room.Now).Value!;
    }

    // Speaks frames that the mixer can decode.
    private void Run(int packets)
    {
        for (var i = 0; i < packets; i++)
        {
            _room.Receive(MediaFixtures.Packet(MediaFixtures.ClientOpus, 1, _number++, unchecked((uint)(_room.Now * 48 / 1_000)), Opus.Silence, MediaFixtures.ClientAudioLevelId, [0x80 | 20]));
            _room.RunTo(_room.Now + 20_000);
        }
    }

    private ProducerConsumer Consume(RtpCapabilities? capabilities = null)
    {
        _room.Sender.Produce("p", MediaKind.Audio, MediaFixtures.Audio(1), false, _room.Now);
        return _room.Receiver.Consume("c", "p", capabilities ?? Router.RtpCapabilities, false, _room.Now).Value!;
    }

    private void Speak(int packets)
    {
        for (var i = 0; i < packets; i++)
        {
            _room.Receive(MediaFixtures.Opus(1, _number++, unchecked((uint)(_room.Now * 48 / 1_000)), level: 20));
            _room.RunTo(_room.Now + 20_000);
        }
    }

    private void Nack(Consumer consumer, ushort sequence)
    {
        var buffer = new byte[16];
        new RtcpWriter(buffer).AddNack(new Ssrc(77), new Ssrc(consumer.RtpParameters.Encodings[0].Ssrc!.Value), [sequence]);
        _room.Receiver.ReceiveRtcp(buffer, _room.Now);
    }
}
