using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

public class RetransmissionTests
{
    private readonly TestRoom _room = new();

    [Fact]
    public void Nack_OfASentPacket_IsAnsweredByRtx()
    {
        var consumer = Start(Router.RtpCapabilities);
        Nack(consumer, _room.ToReceiver[1].Sequence);
        var rtx = _room.ToReceiver[^1];
        var original = _room.ToReceiver[1];
        Assert.Equal(4, _room.ToReceiver.Count);
        Assert.Equal(consumer.RtpParameters.Encodings[0].Rtx!.Ssrc, rtx.Ssrc);
        Assert.Equal(102, rtx.PayloadType);
        Assert.Equal(original.Timestamp, rtx.Timestamp);
        Assert.Equal([(byte)(original.Sequence >> 8), (byte)original.Sequence, .. original.Payload], rtx.Payload);
        Assert.Equal(1, _room.Receiver.Stats.PacketsRetransmitted);
    }

    [Fact]
    public void Nack_Repeated_IsAnsweredOnceARoundTrip()
    {
        var consumer = Start(Router.RtpCapabilities);
        for (var i = 0; i < 5; i++)
        {
            Nack(consumer, _room.ToReceiver[1].Sequence);
        }

        Assert.Equal(1, _room.Receiver.Stats.PacketsRetransmitted);
        _room.Now += 30_000;
        Nack(consumer, _room.ToReceiver[1].Sequence);
        Assert.Equal(2, _room.Receiver.Stats.PacketsRetransmitted);
    }

    [Fact]
    public void Nack_OfAnOldOrUnknownPacket_IsNotAnswered()
    {
        var consumer = Start(Router.RtpCapabilities);
        Nack(consumer, (ushort)(_room.ToReceiver[0].Sequence - 1));
        Nack(consumer, (ushort)(_room.ToReceiver[2].Sequence + 1));
        _room.Now += 3_000_000;
        Nack(consumer, _room.ToReceiver[1].Sequence);
        Assert.Equal(0, _room.Receiver.Stats.PacketsRetransmitted);
        Assert.Equal(3, _room.Receiver.Stats.NacksReceived);
    }

    [Fact]
    public void Nack_WithoutRtx_IsAnsweredByTheSameBytes()
    {
        // The same SRTP index must never protect other bytes (RFC 3711 §9.1), abs-send-time included.
        var capabilities = Router.RtpCapabilities with { Codecs = [.. Router.RtpCapabilities.Codecs.Where(c => c.MimeType != "video/rtx")] };
        var consumer = Start(capabilities);
        Assert.Null(consumer.RtpParameters.Encodings[0].Rtx);
        _room.Now += 100_000;
        Nack(consumer, _room.ToReceiver[1].Sequence);
        Assert.Equal(_room.ToReceiver[1].Bytes, _room.ToReceiver[^1].Bytes);
        Assert.Equal(4, _room.ToReceiver.Count);
    }

    [Fact]
    public void Gap_AtTheSource_IsNackedAndFilledByRtx()
    {
        Start(Router.RtpCapabilities);
        _room.Receive(MediaFixtures.Vp8(1, 5, 9000, key: false));
        _room.ToSender.Clear();
        _room.RunTo(_room.Now + 15_000);
        Assert.Equal([4], Nacked());

        var payload = MediaFixtures.Vp8Payload(true, false, 1, 1);
        _room.Receive(MediaFixtures.Packet(97, 2, 777, 6000, [0, 4, .. payload], marker: true));
        var sequences = _room.ToReceiver.Select(p => p.Sequence).ToArray();
        Assert.Equal((ushort)(sequences[2] + 1), sequences[4]);
        Assert.Equal(payload, _room.ToReceiver[4].Payload);
        _room.ToSender.Clear();
        _room.RunTo(_room.Now + 500_000);
        Assert.Empty(Nacked());
        Assert.Equal(1, _room.Sender.Stats.RtxPacketsReceived);
    }

    [Fact]
    public void Reordering_WithinTenMilliseconds_IsNotNacked()
    {
        Start(Router.RtpCapabilities);
        _room.Receive(MediaFixtures.Vp8(1, 5, 9000, key: false));
        _room.RunTo(_room.Now + 5_000);
        _room.Receive(MediaFixtures.Vp8(1, 4, 6000, key: false));
        _room.RunTo(_room.Now + 200_000);
        Assert.Empty(Nacked());
    }

    [Fact]
    public void Nack_Unanswered_StopsAfterTenTimes()
    {
        Start(Router.RtpCapabilities);
        _room.Receive(MediaFixtures.Vp8(1, 5, 9000, key: false));
        _room.RunTo(_room.Now + 10_000_000);
        Assert.Equal(NackGenerator.MaxRetries, Nacked().Count);
    }

    [Fact]
    public void TooManyMissing_AsksForAKeyFrameInstead()
    {
        Start(Router.RtpCapabilities);
        _room.RunTo(2_000_000);
        var before = _room.PictureLosses;
        _room.Receive(MediaFixtures.Vp8(1, 1500, 9000, key: false));
        _room.RunTo(_room.Now + 20_000);
        Assert.Empty(Nacked());
        Assert.Equal(before + 1, _room.PictureLosses);
    }

    [Fact]
    public void History_OfABurst_GrowsToHoldASecond()
    {
        var history = PacketHistory.OfPictures();
        var payload = new byte[1200];
        for (var i = 0; i < 500; i++)
        {
            payload[0] = (byte)i;
            history.Store(new SourcePacket { Sequence = i + 1, Timestamp = 0, PayloadType = 96, Marker = false, Extensions = [1, 2], Payload = payload, Format = default }, 1 + (i * 2000L));
        }

        for (var i = 0; i < 500; i++)
        {
            Assert.True(history.TryGet(i + 1, out var packet), $"packet {i}");
            Assert.Equal((byte)i, packet.Payload[0]);
            Assert.Equal([1, 2], packet.Extensions.ToArray());
        }

        Assert.False(history.TryGet(501, out _));
    }

    private ProducerConsumer Start(RtpCapabilities capabilities)
    {
        _room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, 0);
        var consumer = _room.Receiver.Consume("c", "p", capabilities, false, 0).Value!;
        _room.Now = 1;
        _room.Receive(MediaFixtures.Vp8(1, 1, 0, key: true));
        _room.Receive(MediaFixtures.Vp8(1, 2, 3000, key: false));
        _room.Receive(MediaFixtures.Vp8(1, 3, 3000, key: false, start: false));
        return consumer;
    }

    private void Nack(Consumer consumer, ushort sequence)
    {
        var buffer = new byte[16];
        new RtcpWriter(buffer).AddNack(new Ssrc(77), new Ssrc(consumer.RtpParameters.Encodings[0].Ssrc!.Value), [sequence]);
        _room.Receiver.ReceiveRtcp(buffer, _room.Now);
    }

    private List<ushort> Nacked()
    {
        var list = new List<ushort>();
        foreach (var packet in _room.ToSender)
        {
            var reader = new RtcpReader(packet);
            while (reader.MoveNext())
            {
                if (reader.Current is { Type: RtcpType.TransportFeedback, Count: TransportFeedbackFormat.Nack })
                {
                    var nack = new NackReader(reader.Current.FeedbackControl);
                    while (nack.MoveNext())
                    {
                        list.Add(nack.Current.Value);
                    }
                }
            }
        }

        return list;
    }
}
