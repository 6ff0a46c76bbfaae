using Concentus;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Relay;

/// <summary>Native clients and the router: who hears what.</summary>
public sealed class RelayTransportTests : IDisposable
{
    private readonly RelayNetwork _network = new();

    public void Dispose() => _network.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Voice_OfANativeClient_ReachesAnotherUntouched(bool speakerEncrypts, bool listenerEncrypts)
    {
        var alice = _network.JoinSpeaking(speakerEncrypts);
        var bob = _network.Join(listenerEncrypts);
        bob.Start();
        bob.Hear(alice.Producer!, alice.User);

        alice.Speak(50);

        var heard = bob.Received();
        Assert.Equal(Enumerable.Range(0, 50).Select(RelayPeer.Frame), heard.Select(h => h.Payload));
        Assert.All(heard, h => Assert.Equal(RelayIdentity.Of(alice.User, _network.Channel), new RelayIdentity(h.Header.User, h.Header.Channel)));
        Assert.All(heard.Zip(heard.Skip(1)), p => Assert.Equal(1u, p.Second.Header.Sequence - p.First.Header.Sequence));
        Assert.All(heard.Zip(heard.Skip(1)), p => Assert.InRange(p.Second.Header.Timestamp - p.First.Header.Timestamp, 19_999u, 20_001u));
        Assert.Empty(alice.Received());
    }

    [Fact]
    public void Voice_OfANativeClient_BecomesSoundRtp()
    {
        var alice = _network.JoinSpeaking();
        List<SentRtp> heard = [];
        var browser = new LoopbackTransport(_network.Router, "browser") { RtpSent = (p, _) => heard.Add(SentRtp.From(p)) };
        browser.Consume("c", alice.Producer!.Id, Router.RtpCapabilities, false, _network.Now);

        alice.Speak(20);
        alice.Send(alice.SilencePacket());
        _network.Run(1_000_000);
        alice.Speak(10, 20);

        var voice = heard.Where(h => !h.Payload.AsSpan().SequenceEqual(Opus.Silence)).ToArray();
        Assert.Equal(Enumerable.Range(0, 30).Select(RelayPeer.Frame), voice.Select(h => h.Payload));
        Assert.All(heard.Zip(heard.Skip(1)), p => Assert.Equal((ushort)(p.First.Sequence + 1), p.Second.Sequence));

        // The second of silence is in the clock, and its end begins a talkspurt.
        var steps = heard.Zip(heard.Skip(1)).Select(p => (int)(p.Second.Timestamp - p.First.Timestamp)).ToArray();
        Assert.Equal(Enumerable.Repeat(960, 20), steps[..20]);
        Assert.Equal(960 * 50, steps[20]);
        Assert.Equal(Enumerable.Repeat(960, 9), steps[21..]);
        Assert.Equal([0, 21], heard.Index().Where(h => h.Item.Marker).Select(h => h.Index));
    }

    [Fact]
    public void Voice_OfABrowser_ReachesANativeClient()
    {
        var browser = new LoopbackTransport(_network.Router, "browser");
        var producer = browser.Produce("p", Media.Routing.Parameters.MediaKind.Audio, MediaFixtures.Audio(5), false, _network.Now).Value!;
        var alice = _network.Join(encrypted: true);
        alice.Start();
        var user = Guid.NewGuid();
        alice.Hear(producer, user);
        for (var i = 0; i < 10; i++)
        {
            // One is lost on its way here: the client sees the gap.
            if (i != 4)
            {
                browser.ReceiveRtp(MediaFixtures.Opus(5, (ushort)(65_530 + i), (uint)(i * 960)), _network.Now);
            }

            _network.Run(20_000);
        }

        var heard = alice.Received();
        Assert.Equal(9, heard.Length);
        Assert.All(heard, h => Assert.Equal(RelayIdentity.ToBytes(user), h.Header.User));
        Assert.Equal([0u, 1, 2, 3, 5, 6, 7, 8, 9], heard.Select(h => h.Header.Sequence - heard[0].Header.Sequence));
        Assert.Equal(180_000u, heard[^1].Header.Timestamp - heard[0].Header.Timestamp);
        Assert.All(heard, h => Assert.Equal(new byte[] { 0x78, 1, 2, 3, 4 }, h.Payload));
    }

    [Fact]
    public void Mix_ComesEvery20Milliseconds_AlsoInSilence_AndLacksTheListener()
    {
        var alice = _network.JoinSpeaking();
        var bob = _network.JoinSpeaking();
        alice.HearMix();
        using var encoder = OpusCodecFactory.CreateEncoder(48_000, 1);
        for (var i = 0; i < 100; i++)
        {
            bob.Send(bob.AudioPacket(Tone(encoder, i)));
            _network.Run(20_000);
        }

        _network.Run(1_000_000);
        var heard = alice.Received();

        Assert.InRange(heard.Length, 149, 152);
        Assert.All(heard, h => Assert.Equal(UInt128.Zero, h.Header.User));
        Assert.All(heard.Zip(heard.Skip(1)), p => Assert.Equal(1u, p.Second.Header.Sequence - p.First.Header.Sequence));
        Assert.All(heard.Zip(heard.Skip(1)), p => Assert.Equal(20_000u, p.Second.Header.Timestamp - p.First.Header.Timestamp));
        using var decoder = OpusCodecFactory.CreateDecoder(48_000, 1);
        var samples = new float[960];
        var peaks = heard.Select(h => decoder.Decode(h.Payload, samples, 960) == 960 ? samples.Max(Math.Abs) : -1).ToArray();
        Assert.True(peaks[60] > 0.2, $"{peaks[60]}");
        Assert.True(peaks[^1] is >= 0 and < 0.001f, $"{peaks[^1]}");

        // Whoever speaks himself hears silence.
        bob.HearMix();
        for (var i = 0; i < 100; i++)
        {
            bob.Send(bob.AudioPacket(Tone(encoder, i)));
            _network.Run(20_000);
        }

        Assert.All(bob.Received(), h => Assert.True(decoder.Decode(h.Payload, samples, 960) != 960 || samples.Max(Math.Abs) < 0.05));
    }

    [Fact]
    public void Speaking_IsSeenByTheDecodedLevel_AndEndsWithMute()
    {
        var alice = _network.JoinSpeaking();
        using var encoder = OpusCodecFactory.CreateEncoder(48_000, 1);
        for (var i = 0; i < 20; i++)
        {
            alice.Send(alice.AudioPacket(Tone(encoder, i)));
            _network.Run(20_000);
        }

        Assert.Equal(alice.Producer, Assert.Single(_network.Router.CurrentSpeakers).Producer);
        var bob = _network.Join();
        bob.Start();
        bob.Hear(alice.Producer!, alice.User);
        alice.Producer!.Pause(_network.Now);
        alice.Speak(5);

        Assert.Empty(_network.Router.CurrentSpeakers);
        Assert.Empty(bob.Received());
    }

    [Fact]
    public void Stop_EndsTheVoiceInSilence_AndTheNextBeginsAnew()
    {
        var alice = _network.JoinSpeaking();
        var bob = _network.Join();
        bob.Start();
        bob.Hear(alice.Producer!, alice.User);
        alice.Speak(5);
        alice.Send(alice.StopPacket());
        _network.Run(500_000);
        alice.Speak(5, 5);

        var heard = bob.Received();
        Assert.Equal(15, heard.Length);
        Assert.All(heard[5..10], h => Assert.Equal(Opus.Silence.ToArray(), h.Payload));
        Assert.All(heard.Zip(heard.Skip(1)), p => Assert.Equal(1u, p.Second.Header.Sequence - p.First.Header.Sequence));
        Assert.InRange(heard[10].Header.Timestamp - heard[4].Header.Timestamp, 480_000u, 560_000u);
    }

    [Fact]
    public void Ping_IsAnsweredWithItsPayload_AndPongTellsTheRoundTrip()
    {
        var alice = _network.JoinSpeaking();
        Assert.Empty(alice.Received(RelayPacketType.Pong)[0].Payload);
        alice.Send(alice.PingPacket(3));
        var pong = alice.Received(RelayPacketType.Pong)[1];
        Assert.Equal((9, 3), (pong.Payload.Length, pong.Payload[8]));
        Assert.Equal(3, alice.Transport.Stats.FractionLost);

        _network.Run(10_000);
        var ping = alice.Received(RelayPacketType.Ping)[0];
        _network.Run(30_000);
        var buffer = new byte[200];
        alice.Send(buffer[..alice.Client.WritePong(buffer, ping.Payload, alice.Clock)]);

        Assert.InRange(alice.Transport.Stats.RoundTrip, 30_000, 40_000);
        Assert.True(_network.Router.DescribeAudio().RoundTripOf(0.5) is >= 30 and <= 40);
    }

    [Fact]
    public void Bitrate_FollowsTheLossThatReceiversSee()
    {
        var alice = _network.JoinSpeaking();
        var bob = _network.Join();
        bob.Start();
        bob.Hear(alice.Producer!, alice.User);
        alice.Speak(100);
        Assert.Equal(64_000, Advice(alice)[^1]);

        for (var i = 0; i < 10; i++)
        {
            bob.Send(bob.PingPacket(80));
            alice.Speak(50);
        }

        var low = Advice(alice)[^1];
        Assert.InRange(low, 12_000, 32_000);
        for (var i = 0; i < 20; i++)
        {
            bob.Send(bob.PingPacket(0));
            alice.Speak(50);
        }

        Assert.True(Advice(alice)[^1] > low * 3 / 2, $"{Advice(alice)[^1]} after {low}");

        static int[] Advice(RelayPeer peer) =>
            [.. peer.Received(RelayPacketType.Bitrate).Select(h => System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(h.Payload))];
    }

    [Fact]
    public void Silence_Of30Seconds_EndsTheProof_AndANewStartRenewsIt()
    {
        var alice = _network.JoinSpeaking();
        var bob = _network.Join();
        bob.Start();
        bob.Hear(alice.Producer!, alice.User);
        for (var i = 0; i < 1_600; i++)
        {
            alice.Speak(1);
        }

        Assert.Equal((bob.Transport.Id, RelayTransportState.Disconnected), _network.States[^1]);
        _network.Sent.Clear();
        alice.Speak(10);
        Assert.DoesNotContain(_network.Sent, s => s.To == bob.Address);

        bob.Address = _network.NewAddress();
        bob.Start();
        alice.Speak(10);
        Assert.Equal(10, bob.Received().Length);
        Assert.Equal(RelayTransportState.Connected, bob.Transport.State);
    }

    [Fact]
    public void Join_OfTheSameUserAgain_ClosesTheOlder()
    {
        var user = Guid.NewGuid();
        var first = _network.Join(user: user);
        first.Start();
        var second = _network.Join(user: user);

        Assert.Contains((first.Transport.Id, RelayTransportState.Closed), _network.States);
        second.Start();
        Assert.Equal(RelayTransportState.Connected, second.Transport.State);
        Assert.Equal(1, _network.Worker.Stats.Relays);
    }

    /// <summary>Under one key no nonce comes twice: not among voices, nor with the server's own packets, nor when voices come and go.</summary>
    [Fact]
    public void Nonces_OfWhatAnEncryptedClientGets_NeverRepeat()
    {
        var listener = _network.Join(encrypted: true);
        listener.Start();
        RelayPeer[] speakers = [.. Enumerable.Range(0, 5).Select(_ => _network.JoinSpeaking())];
        for (var round = 0; round < 20; round++)
        {
            Consumer[] consumers = [.. speakers.Select(s => listener.Hear(s.Producer!, s.User))];
            for (var i = 0; i < 10; i++)
            {
                foreach (var speaker in speakers)
                {
                    speaker.Send(speaker.AudioPacket(RelayPeer.Frame(i)));
                }

                listener.Send(listener.PingPacket(0));
                _network.Run(20_000);
            }

            foreach (var consumer in consumers)
            {
                consumer.Close(_network.Now);
            }
        }

        var nonces = _network.Sent.Where(s => s.To == listener.Address).Select(s => Convert.ToHexString(s.Bytes.AsSpan(32, 12))).ToArray();
        Assert.True(nonces.Length > 1_200);
        Assert.Equal(nonces.Length, nonces.Distinct().Count());
        Assert.Equal(1_000, listener.Received().Length);
    }

    private static byte[] Tone(IOpusEncoder encoder, int frame)
    {
        var samples = new float[960];
        for (var i = 0; i < 960; i++)
        {
            samples[i] = 0.4f * (float)Math.Sin(2 * Math.PI * 440 * ((frame * 960) + i) / 48_000);
        }

        var buffer = new byte[1_276];
        return buffer[..encoder.Encode(samples, 960, buffer, buffer.Length)];
    }
}
