using System.Buffers.Binary;
using Concentus;
using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

/// <summary>Opus with redundancy (RFC 2198) through the whole router.</summary>
public sealed class RedundancyTests
{
    private const byte RouterRed = 112;
    private const byte RouterOpus = 100;

    private static readonly RtpCapabilities WithRed = SupportedCapabilities.Create(withRed: true);

    private readonly TestRoom _room = new() { Now = 1_000_000 };
    private readonly List<byte[]> _opus = [];
    private readonly List<byte[]> _red = [];
    private byte[][]? _voice;
    private ushort _sequence = 65_533;
    private uint _timestamp = 4_294_960_000;

    [Fact]
    public void Offered_OnlyWhereAskedFor_AndBehindOpus()
    {
        Assert.DoesNotContain(_room.Router.OfferedCapabilities.Codecs, c => c.MimeType == "audio/red");
        var offered = new Router("r", new RouterOptions { OffersRed = true }).OfferedCapabilities;
        Assert.Equal(["audio/opus", "audio/red"], offered.Codecs.Where(c => c.Kind == MediaKind.Audio).Select(c => c.MimeType));

        // Everything else has the numbers that it has without.
        Assert.Equal(
            Router.RtpCapabilities.Codecs.Select(c => (c.MimeType, c.PreferredPayloadType)),
            offered.Codecs.Where(c => c.MimeType != "audio/red").Select(c => (c.MimeType, c.PreferredPayloadType)));
        Assert.Equal("100/100", offered.Codecs[1].Parameters[""].GetString());
    }

    [Fact]
    public void Red_ToWhoTakesIt_IsForwardedWithItsCopies()
    {
        Produce();
        var consumer = Consume(WithRed);
        Assert.Equal([("audio/opus", (int)RouterOpus), ("audio/red", RouterRed)], consumer.RtpParameters.Codecs.Select(c => (c.MimeType, c.PayloadType)));
        Talk(20);

        Assert.Equal(20, _room.ToReceiver.Count);
        Assert.All(_room.ToReceiver, p => Assert.Equal(RouterRed, p.PayloadType));
        Assert.Equal(_red.Select(p => Renumbered(p, RouterOpus)), _room.ToReceiver.Select(p => p.Payload));
        Assert.Equal([0x80 | 20], _room.ToReceiver[7].Extension(10)!);
        AssertContiguous(20);
    }

    [Fact]
    public void Red_ToWhoDoesNotTakeIt_IsPlainOpus()
    {
        Produce();
        var consumer = Consume(Router.RtpCapabilities);
        Assert.Equal(["audio/opus"], consumer.RtpParameters.Codecs.Select(c => c.MimeType));
        Talk(20);

        Assert.All(_room.ToReceiver, p => Assert.Equal(RouterOpus, p.PayloadType));
        Assert.Equal(_opus, _room.ToReceiver.Select(p => p.Payload));
        Assert.Equal([0x80 | 20], _room.ToReceiver[7].Extension(10)!);
        AssertContiguous(20);
        Assert.Equal(_opus.Sum(p => p.Length), SentOctets(consumer));
    }

    [Fact]
    public void Red_ToWhoHasNumbersOfItsOwn_NamesThoseInItsHeaders()
    {
        Produce();
        var plain = Conference.Negotiated("0");
        var asks = plain with { Codecs = [RedundantSound.Codec(35, "109/109"), .. plain.Codecs] };
        Assert.True(_room.Receiver.ConsumeNegotiated("c", "p", asks, false, _room.Now).IsOk);
        Talk(3);
        Assert.All(_room.ToReceiver, p => Assert.Equal(35, p.PayloadType));
        Assert.Equal(_red.Select(p => Renumbered(p, 109)), _room.ToReceiver.Select(p => p.Payload));
    }

    [Fact]
    public void PlainOpus_OfSuchASender_IsForwardedAsItIs()
    {
        Produce();
        Consume(WithRed);
        Send(MediaFixtures.Opus(1, ++_sequence, _timestamp));
        Assert.Equal((RouterOpus, 5), (_room.ToReceiver[0].PayloadType, _room.ToReceiver[0].Payload.Length));
    }

    [Fact]
    public void Slots_TakeIt_WhereTheirSectionDoes()
    {
        Produce();
        var plain = Conference.Negotiated("0");
        var slots = _room.Receiver.ConsumeLoudest(
            ["red", "opus"], [plain with { Codecs = [RedundantSound.Codec(63, "109/109"), .. plain.Codecs] }, plain with { Mid = "1" }], false, _room.Now).Value!;
        Talk(40);
        var slot = slots.Single(s => s.Source is not null);
        Assert.Equal("red", slot.Id);
        Assert.InRange(_room.ToReceiver.Count(p => p.PayloadType == 63), 30, 40);

        // The other slot gets it when the first one is gone: without its copies.
        slot.Close(_room.Now);
        _room.ToReceiver.Clear();
        _opus.Clear();
        Talk(20);
        Assert.Equal("p", slots[1].Source?.Id);
        Assert.InRange(_room.ToReceiver.Count, 10, 20);
        Assert.All(_room.ToReceiver, p => Assert.Contains(_opus, o => o.AsSpan().SequenceEqual(p.Payload)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LostPacket_IsGivenBackByItsCopy_InItsPlace(bool takesRed)
    {
        Produce();
        Consume(takesRed ? WithRed : Router.RtpCapabilities);
        Talk(5);
        Lose(1);
        Talk(5);

        Assert.Equal(11, _room.ToReceiver.Count);
        AssertContiguous(11);
        Assert.Equal(RouterOpus, _room.ToReceiver[5].PayloadType);
        Assert.Equal(_opus[5], _room.ToReceiver[5].Payload);
        Assert.Equal(_room.ToReceiver[4].Timestamp + 960, _room.ToReceiver[5].Timestamp);
        Assert.Equal(takesRed ? RouterRed : RouterOpus, _room.ToReceiver[6].PayloadType);
        Assert.Equal(1, _room.Sender.Stats.PacketsRecovered);

        // For the sender's congestion control it is a loss all the same.
        Assert.Equal(1, Stream.Statistics.Expected - Stream.Statistics.Received);
    }

    [Fact]
    public void LossLongerThanTheCopies_StaysALoss_ButForThem()
    {
        Produce();
        Consume(Router.RtpCapabilities);
        Talk(5);
        Lose(4);
        Talk(5, copies: 2);

        Assert.Equal(12, _room.ToReceiver.Count);
        Assert.Equal([0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13], _room.ToReceiver.Select(p => (ushort)(p.Sequence - _room.ToReceiver[0].Sequence)));
        Assert.Equal([_opus[7], _opus[8]], _room.ToReceiver[5..7].Select(p => p.Payload));
    }

    [Fact]
    public void LatePacket_WhoseCopyCame_IsADuplicateAndNoLoss()
    {
        Produce();
        Consume(WithRed);
        Talk(5);
        var late = Next();
        Talk(5);
        Send(late);
        Send(late);

        Assert.Equal(11, _room.ToReceiver.Count);
        Assert.Equal(2, _room.Sender.Stats.Dropped(DropReason.Duplicate));
        Assert.Equal(0, Stream.Statistics.Expected - Stream.Statistics.Received);
    }

    [Fact]
    public void FirstPacket_GivesBackNothing_AndSoDoesOneAfterTheSenderHasBegunAnew()
    {
        Produce();
        Consume(Router.RtpCapabilities);
        Next();
        Talk(3);
        Assert.Equal(3, _room.ToReceiver.Count);

        (_sequence, _timestamp) = ((ushort)(_sequence + 20_000), _timestamp + 1_000_000);
        Talk(4);
        Assert.Equal(0, _room.Sender.Stats.PacketsRecovered);
    }

    [Fact]
    public void CopyThatIsOfAnotherPacket_IsToldByItsTime()
    {
        Produce();
        Consume(Router.RtpCapabilities);
        Talk(4);

        // A packet too long for redundancy is plain, and is not copied: the next one's copy is of the packet before it.
        var before = _opus[^1];
        _sequence++;
        _timestamp += 960;
        var primary = Sound();
        Send(RedundantSound.Packet(1, ++_sequence, _timestamp += 960, RedundantSound.Payload(primary, (1_920, before))));
        Assert.Equal(5, _room.ToReceiver.Count);
        Assert.Equal(0, _room.Sender.Stats.PacketsRecovered);
    }

    [Fact]
    public void Recovered_IsNotAskedOfTheSenderAgain_AndIsSentAgainToWhoAsks()
    {
        var parameters = RedundantSound.Parameters(1);
        _room.Sender.Produce("p", MediaKind.Audio, parameters with { Codecs = [.. parameters.Codecs.Select(c => c with { RtcpFeedback = [new RtcpFeedback("nack")] })] }, false, _room.Now);
        var consumer = Consume(WithRed);
        Talk(5);
        Lose(1);
        Talk(5);
        _room.RunTo(_room.Now + 200_000);
        Assert.Equal(0, _room.Sender.Stats.NacksSent);

        foreach (var asked in (int[])[4, 5, 6])
        {
            var nack = new byte[16];
            new RtcpWriter(nack).AddNack(new Ssrc(77), new Ssrc(consumer.RtpParameters.Encodings[0].Ssrc!.Value), [_room.ToReceiver[asked].Sequence]);
            _room.Receiver.ReceiveRtcp(nack, _room.Now);
            Assert.Equal(_room.ToReceiver[asked].Bytes, _room.ToReceiver[^1].Bytes);
        }

        Assert.Equal(3, _room.Receiver.Stats.PacketsRetransmitted);
    }

    [Fact]
    public void Silence_InsideIt_IsLeftOut()
    {
        Produce();
        Consume(WithRed);
        Talk(5);
        Talk(50, dtx: true);
        Talk(5);

        // Five of sound, one into silence and two more in a second of it, five of sound.
        Assert.Equal(13, _room.ToReceiver.Count);
        AssertContiguous(13);
        Assert.Equal(47, _room.Sender.Stats.Dropped(DropReason.Silence));
        Assert.True(_room.ToReceiver[8].Marker);
    }

    [Fact]
    public void Mute_EndsItWithFramesOfPlainSilence()
    {
        var producer = Produce();
        Consume(WithRed);
        Talk(5);
        producer.Pause(_room.Now);
        Assert.Equal(10, _room.ToReceiver.Count);
        Assert.All(_room.ToReceiver[5..], p => Assert.Equal(RouterOpus, p.PayloadType));
        Assert.All(_room.ToReceiver[5..], p => Assert.Equal(Opus.Silence.ToArray(), p.Payload));
        Talk(5);
        Assert.Equal(10, _room.ToReceiver.Count);
    }

    [Theory]
    [InlineData("EF0F00036F7804")]
    [InlineData("EF")]
    [InlineData("6F")]
    [InlineData("6078010203")]
    public void Malformed_IsDroppedAndCounted(string payload)
    {
        Produce();
        Consume(WithRed);
        Talk(1);
        Send(RedundantSound.Packet(1, ++_sequence, _timestamp += 960, Convert.FromHexString(payload)));
        Talk(1);
        Assert.Equal(2, _room.ToReceiver.Count);
        Assert.Equal(1, _room.Sender.Stats.Dropped(DropReason.RedMalformed));
    }

    [Fact]
    public void Recorder_GetsPlainOpus_WithWhatWasLost()
    {
        Produce();
        var queue = new RecordingQueue(1024 * 1024);
        Assert.True(_room.Router.Record("r", queue, new RecordedTracks(true, false, true), null, _room.Now).IsOk);
        Talk(5);
        Lose(1);
        Talk(5);

        var recorded = new List<byte[]>();
        while (queue.TryRead(out var head, out var payload))
        {
            switch (head.Kind)
            {
                case RecordKind.Control:
                    Assert.Equal(PayloadFormat.Opus, Assert.IsType<SourceAdded>(queue.TakeControl()).Format);
                    break;
                case RecordKind.Packet:
                    recorded.Add(payload.ToArray());
                    break;
            }

            queue.Release(head);
        }

        Assert.Equal(_opus, recorded);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Mix_PlaysWhatWasLost_WhereThereIsRedundancy(bool isRed)
    {
        Assert.True(OpusSupport.IsAvailable, "The system has no libopus.");
        _voice = Voice();
        var producer = Produce();
        Assert.True(_room.Receiver.ConsumeMix("m", Conference.Negotiated("0"), false, _room.Now).IsOk);
        for (var i = 0; i < 300; i++)
        {
            var packet = isRed ? Next() : Plain();
            if (i % 20 != 19)
            {
                Send(packet);
            }

            _room.RunTo(_room.Now + 20_000);
        }

        // The first losses come before the buffer knows how late their copies are.
        var concealed = producer.MixSource!.ConcealedSamples / 960;
        Assert.True(isRed ? concealed <= 4 : concealed >= 10, $"{concealed} frames concealed");
        Assert.InRange(_room.ToReceiver.Count, 290, 300);
        Assert.All(_room.ToReceiver, p => Assert.Equal(109, p.PayloadType));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PipeBetweenNodes_CarriesTheCopies_AndTheFarNodeUsesThem(bool takesRed)
    {
        using var rooms = new PipedRooms(loss: 0.05);
        var heard = new List<SentRtp>();
        var sender = rooms.A.Join("alice");
        Assert.True(sender.Produce("p", MediaKind.Audio, RedundantSound.Parameters(1), false, rooms.Now).IsOk);
        var (a, b) = rooms.Connect();
        rooms.Pipe(a, b, "p");
        var receiver = rooms.B.Join("bob");
        receiver.RtpSent = (p, _) => heard.Add(SentRtp.From(p));
        Assert.True(receiver.Consume("c", "p", takesRed ? WithRed : Router.RtpCapabilities, false, rooms.Now).IsOk);
        for (var i = 0; i < 400; i++)
        {
            sender.ReceiveRtp(Next(), rooms.Now);
            rooms.Run(20_000);
        }

        // Of 5 in 100 lost, one in 20 has a lost one behind it.
        Assert.InRange(b.Stats.PacketsRecovered, 5, 40);
        Assert.InRange(heard.Count, 392, 400);
        Assert.Equal(takesRed ? heard.Count - b.Stats.PacketsRecovered : 0, heard.Count(p => p.PayloadType == RouterRed));
        Assert.All(heard, p => Assert.Contains(p.PayloadType == RouterRed ? _red.Select(r => Renumbered(r, RouterOpus)) : _opus, s => s.AsSpan().SequenceEqual(p.Payload)));
    }

    [Fact]
    public void RelayClients_AndOldCapabilities_KnowNothingOfIt()
    {
        Assert.Equal(["audio/opus"], RelayParameters.Capabilities.Codecs.Select(c => c.MimeType));
        Assert.Equal("audio/opus", Assert.Single(Router.RtpCapabilities.Codecs, c => c.Kind == MediaKind.Audio).MimeType);
    }

    [Fact]
    public void Sender_OfRedAlone_NamesItsBlocksInTheFmtp_OrIsRefused()
    {
        var opus = MediaFixtures.Audio(1);
        Assert.False(Accepts(RedundantSound.Codec(63, "text")));
        Assert.False(Accepts(RedundantSound.Codec(63, "111/112")));
        Assert.False(Accepts(RedundantSound.Codec(63, "63/63")));
        Assert.False(Accepts(RedundantSound.Codec(63, "200/200")));
        Assert.True(Accepts(RedundantSound.Codec(63, "111/111")));
        Consume(Router.RtpCapabilities);
        Talk(3);
        Lose(1);
        Talk(3);
        Assert.Equal(_opus, _room.ToReceiver.Select(p => p.Payload));

        bool Accepts(RtpCodecParameters codec) => _room.Sender.Produce("p", MediaKind.Audio, opus with { Codecs = [codec] }, false, _room.Now).IsOk;
    }

    [Fact]
    public void Receiver_OfRedAlone_CannotConsume()
    {
        Produce();
        var capabilities = WithRed with { Codecs = [.. WithRed.Codecs.Where(c => c.MimeType == "audio/red")] };
        Assert.False(_room.Router.CanConsume("p", capabilities));
        Assert.False(_room.Receiver.Consume("c", "p", capabilities, false, _room.Now).IsOk);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forwarding_AllocatesNothing(bool takesRed)
    {
        var router = new Router("room", new RouterOptions { Seed = 1 });
        var sender = new LoopbackTransport(router, "s");
        sender.Produce("p", MediaKind.Audio, RedundantSound.Parameters(1), false, 0);
        for (var i = 0; i < 10; i++)
        {
            var receiver = new LoopbackTransport(router, $"r{i}");
            Assert.True(receiver.Consume($"c{i}", "p", takesRed ? WithRed : Router.RtpCapabilities, false, 0).IsOk);
        }

        var packet = RedundantSound.Packet(1, 0, 0, RedundantSound.Payload([0x78, 1, 2, 3, 4], (1_920, [0x78, 5, 6]), (960, [0x78, 7, 8])));
        var copy = new byte[packet.Length];
        var now = 1L;
        ushort sequence = 0;
        Run(2_000);
        var before = Allocations.Begin();
        Run(10_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(sender.Stats.PacketsRecovered > 100);

        void Run(int packets)
        {
            for (var i = 0; i < packets; i++)
            {
                // One in 50 is lost, and given back.
                sequence += i % 50 == 49 ? (ushort)2 : (ushort)1;
                packet.CopyTo(copy, 0);
                BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(2), sequence);
                BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(4), sequence * 960u);
                sender.ReceiveRtp(copy, now += 20_000);
            }
        }
    }

    private RtpStreamReceiver Stream => _room.Router.Producers["p"].Streams[0]!;

    private static byte[] Renumbered(byte[] payload, byte payloadType)
    {
        var copy = payload.ToArray();
        RedPayload.SetPayloadType(copy, payloadType);
        return copy;
    }

    private static long SentOctets(Consumer consumer) => consumer.Sender.Report(null, new SenderClock(), 0, 0, 2_000_000).OctetCount;

    private Producer Produce()
    {
        var produced = _room.Sender.Produce("p", MediaKind.Audio, RedundantSound.Parameters(1), false, _room.Now);
        Assert.True(produced.IsOk, produced.Error);
        return produced.Value;
    }

    private ProducerConsumer Consume(RtpCapabilities capabilities)
    {
        var consumed = _room.Receiver.Consume("c", "p", capabilities, false, _room.Now);
        Assert.True(consumed.IsOk, consumed.Error);
        return consumed.Value;
    }

    private void Talk(int packets, int copies = 1, bool dtx = false)
    {
        for (var i = 0; i < packets; i++)
        {
            Send(Next(copies, dtx));
            _room.RunTo(_room.Now + 20_000);
        }
    }

    private void Lose(int packets)
    {
        for (var i = 0; i < packets; i++)
        {
            Next();
        }
    }

    // Half a second of a tone.
    private static byte[][] Voice()
    {
        using var encoder = OpusCodecFactory.CreateEncoder(48_000, 1);
        var buffer = new byte[1_275];
        var frame = new float[960];
        return
        [
            .. Enumerable.Range(0, 25).Select(i =>
            {
                for (var s = 0; s < frame.Length; s++)
                {
                    frame[s] = 0.3f * MathF.Sin(2 * MathF.PI * 440 * ((i * 960) + s) / 48_000);
                }

                return buffer[..encoder.Encode(frame, frame.Length, buffer, buffer.Length)];
            }),
        ];
    }

    private byte[] Plain()
    {
        _opus.Add(Sound());
        return MediaFixtures.Packet(MediaFixtures.ClientOpus, 1, ++_sequence, _timestamp = unchecked(_timestamp + 960), _opus[^1]);
    }

    // Each packet's sound differs from all others'.
    private byte[] Sound() => _voice is not null ? _voice[_opus.Count % _voice.Length] : [0x78, (byte)_opus.Count, (byte)(_opus.Count >> 8), 3, 4];

    private byte[] Next(int copies = 1, bool dtx = false)
    {
        var primary = dtx ? [0x78] : Sound();
        var before = _opus[Math.Max(0, _opus.Count - copies)..];
        _opus.Add(primary);
        _red.Add(RedundantSound.Payload(primary, [.. before.Select((b, i) => ((before.Count - i) * 960, b))]));
        return RedundantSound.Packet(1, ++_sequence, _timestamp = unchecked(_timestamp + 960), _red[^1]);
    }

    // The router may write into what it is given.
    private void Send(byte[] packet) => _room.Receive([.. packet]);

    private void AssertContiguous(int count)
        => Assert.Equal(Enumerable.Range(0, count), _room.ToReceiver.Select(p => (int)(ushort)(p.Sequence - _room.ToReceiver[0].Sequence)));
}
