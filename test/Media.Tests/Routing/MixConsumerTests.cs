using Concentus;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Tests.Mixing;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

public sealed class MixConsumerTests
{
    private readonly Conference _conference = new();

    [Fact]
    public void Mix_IsOneStreamInTheClientsTerms()
    {
        Speak("alice", 440);
        Speak("bob", 880);
        var receiver = _conference.Join("receiver");
        var mix = receiver.OpenMix();
        _conference.Run(2_000_000);

        var packets = receiver.ReceivedBy(mix);
        Assert.InRange(packets.Length, 90, 101);
        Assert.All(packets, p => Assert.Equal(109, p.PayloadType));
        Assert.Equal("mix"u8.ToArray(), packets[0].Extension(9));
        Assert.True(packets[0].Marker);
        for (var i = 1; i < packets.Length; i++)
        {
            Assert.Equal((ushort)(packets[i - 1].Sequence + 1), packets[i].Sequence);
            Assert.Equal(packets[i - 1].Timestamp + 960, packets[i].Timestamp);
            Assert.False(packets[i].Marker);
        }

        var heard = Decode(packets);
        Assert.True(Tone(heard, 440) > 0.02 && Tone(heard, 880) > 0.02 && Tone(heard, 660) < 0.0005);
    }

    [Fact]
    public void Mix_OfASpeaker_LacksItself_AlsoOnItsOtherTransport()
    {
        Speak("alice", 440);
        Speak("bob", 880);
        var second = _conference.Join("alice-receiving");
        second.Transport.Owner = "alice";
        var mix = second.OpenMix();
        _conference.Run(2_000_000);

        var heard = Decode(second.ReceivedBy(mix));
        Assert.True(Tone(heard, 880) > 0.02);
        Assert.True(Tone(heard, 440) < 0.0005, $"{Tone(heard, 440)}");
    }

    [Fact]
    public void MutedSpeaker_IsNotMixed_AndIsAgainAfterwards()
    {
        Speak("alice", 440);
        Speak("bob", 880);
        var receiver = _conference.Join("receiver");
        var mix = receiver.OpenMix();
        _conference.Run(1_000_000);
        _conference["alice"].Producer!.Pause(_conference.Now);
        _conference.Run(100_000);
        receiver.Received.Clear();
        _conference.Run(1_000_000);
        Assert.True(Tone(Decode(receiver.ReceivedBy(mix)), 440) < 0.0005);

        _conference["alice"].Producer!.Resume(_conference.Now);
        _conference.Run(100_000);
        receiver.Received.Clear();
        _conference.Run(1_000_000);
        Assert.True(Tone(Decode(receiver.ReceivedBy(mix)), 440) > 0.02);
    }

    [Fact]
    public void DeafenedListener_GetsNothing()
    {
        Speak("alice", 440);
        var receiver = _conference.Join("receiver");
        var mix = receiver.OpenMix();
        _conference.Run(500_000);
        mix.Pause(_conference.Now);
        receiver.Received.Clear();
        _conference.Run(500_000);
        Assert.Empty(receiver.Received);

        mix.Resume(_conference.Now);
        _conference.Run(500_000);
        Assert.NotEmpty(receiver.Received);
    }

    [Fact]
    public void LastListener_LeavingEndsTheMixer_AndTheNextBeginsAnother()
    {
        Speak("alice", 440);
        var receiver = _conference.Join("receiver");
        receiver.OpenMix().Close(_conference.Now);
        Assert.Null(_conference.Router.Mixer);
        _conference.Run(100_000);

        var again = receiver.OpenMix("again");
        Speak("bob", 880);
        _conference.Run(1_000_000);
        var heard = Decode(receiver.ReceivedBy(again));
        Assert.True(Tone(heard, 440) > 0.02 && Tone(heard, 880) > 0.02);
    }

    [Fact]
    public void RoomClosed_WithListeners_FreesTheMixer()
    {
        Speak("alice", 440);
        _conference.Join("receiver").OpenMix();
        _conference.Run(100_000);
        _conference.Router.Close(_conference.Now);
        Assert.Null(_conference.Router.Mixer);
        Assert.Equal(long.MaxValue, _conference.Router.Advance(_conference.Now));
    }

    [Fact]
    public void SpeakerWithoutLevelExtension_SpeaksByItsDecodedSound_AndIsInASlot()
    {
        Speak("alice", 440);
        _conference.Join("noise").Produce(20);
        _conference["noise"].Level = 70;
        var slots = _conference.Join("receiver").OpenSlots(1);
        var began = _conference.Now;
        _conference.Run(500_000);

        Assert.Equal("p-alice", slots[0].Source!.Id);
        Assert.Equal(["p-alice"], _conference.Speakers[0].Producers);
        Assert.InRange(_conference.Speakers[0].Now, began, began + 100_000);

        _conference["alice"].Voice = Voice(440, 0);
        var ended = _conference.Now;
        _conference.Run(1_000_000);
        Assert.Empty(_conference.Speakers[^1].Producers);
        Assert.InRange(_conference.Speakers[^1].Now, ended + 300_000, ended + 500_000);
    }

    [Fact]
    public void NegotiatedConsumer_GetsItsOwnNumbersAndRtx()
    {
        var alice = _conference.Join("alice");
        Assert.True(alice.Transport.Produce("video", MediaKind.Video, MediaFixtures.Video(1), false, 0).IsOk);
        var negotiated = MediaFixtures.Parse("""
            {"mid":"7","codecs":[{"mimeType":"video/VP8","payloadType":120,"clockRate":90000,"rtcpFeedback":[{"type":"nack","parameter":""}]},
             {"mimeType":"video/rtx","payloadType":121,"clockRate":90000,"parameters":{"apt":120}},
             {"mimeType":"video/AV1","payloadType":122,"clockRate":90000}],
             "headerExtensions":[{"uri":"urn:3gpp:video-orientation","id":2},{"uri":"urn:unknown","id":5},{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":12}]}
            """);
        var receiver = _conference.Join("receiver");
        var consumer = receiver.Transport.ConsumeNegotiated("c", "video", negotiated, false, 0).Value!;
        alice.Transport.ReceiveRtp(MediaFixtures.Vp8(1, 10, 100, key: true), 1_000);
        alice.Transport.ReceiveRtp(MediaFixtures.Vp8(1, 11, 3_100, key: false), 2_000);

        Assert.Equal([120, 121], consumer.RtpParameters.Codecs.Select(c => c.PayloadType));
        Assert.Equal([2, 12], consumer.RtpParameters.HeaderExtensions.Select(e => e.Id));
        Assert.Equal("7", consumer.RtpParameters.Mid);
        var packets = receiver.ReceivedBy(consumer);
        Assert.Equal([120, 120], packets.Select(p => (int)p.PayloadType));
        Assert.Equal("7"u8.ToArray(), packets[0].Extension(12));

        var nack = new byte[16];
        new VoiceCluster.Media.Rtcp.RtcpWriter(nack).AddNack(new(7), new(consumer.RtpParameters.Encodings[0].Ssrc!.Value), [packets[1].Sequence]);
        receiver.Transport.ReceiveRtcp(nack, 50_000);
        var resent = receiver.Received[^1].Packet;
        Assert.Equal((121, consumer.RtpParameters.Encodings[0].Rtx!.Ssrc), (resent.PayloadType, resent.Ssrc));
    }

    private void Speak(string name, double pitch)
    {
        var seat = _conference.Join(name);
        seat.Produce(null);
        seat.Voice = Voice(pitch, 0.3);
    }

    // A second of a tone that has whole periods in it, so that it may be repeated.
    private static byte[][] Voice(double pitch, double loudness)
    {
        using var encoder = OpusCodecFactory.CreateEncoder(MixSimulation.Rate, 1);
        var frame = new float[960];
        var buffer = new byte[1_500];
        var packets = new List<byte[]>();
        for (var i = 0; i < 50; i++)
        {
            for (var s = 0; s < 960; s++)
            {
                frame[s] = (float)(loudness * Math.Sin(2 * Math.PI * pitch * ((i * 960) + s) / MixSimulation.Rate));
            }

            packets.Add(buffer[..encoder.Encode(frame, 960, buffer, buffer.Length)]);
        }

        return [.. packets];
    }

    private static float[] Decode(IEnumerable<SentRtp> packets)
    {
        using var decoder = OpusCodecFactory.CreateDecoder(MixSimulation.Rate, 1);
        var frame = new float[5_760];
        var heard = new List<float>();
        foreach (var packet in packets)
        {
            heard.AddRange(frame.AsSpan(0, decoder.Decode(packet.Payload, frame, frame.Length)));
        }

        return [.. heard.Skip(9_600)];
    }

    // Mean power of a tone of this pitch.
    private static double Tone(float[] samples, double pitch)
    {
        double sine = 0, cosine = 0;
        for (var i = 0; i < samples.Length; i++)
        {
            var phase = 2 * Math.PI * pitch * i / MixSimulation.Rate;
            sine += samples[i] * Math.Sin(phase);
            cosine += samples[i] * Math.Cos(phase);
        }

        return 2 * ((sine * sine) + (cosine * cosine)) / samples.Length / samples.Length;
    }
}
