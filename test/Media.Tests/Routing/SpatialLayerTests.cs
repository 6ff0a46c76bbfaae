using System.Buffers.Binary;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

/// <summary>VP9 with three spatial layers in one stream (RFC 9628), made by hand: two packets a layer frame.</summary>
public class SpatialLayerTests
{
    private const int Layers = 3;

    private readonly TestRoom _room = new();
    private ushort _number = 65_530;
    private int _picture = 100;

    [Theory]
    [InlineData("L3T3_KEY")]
    [InlineData("L3T3")]
    public void Svc_AllLayersWanted_PassAsTheyCame(string mode)
    {
        var consumer = Consume(mode);
        Assert.Equal(mode, consumer.RtpParameters.Encodings[0].ScalabilityMode);
        SendPicture(isKey: true);
        SendPicture();

        Assert.Equal([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2], Sent());
        Assert.Equal([5, 11], Markers());
        Assert.Equal(2, consumer.CurrentSpatialLayer);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Svc_ALowerLayerPreferred_HigherOnesAreLeftOutWithoutAGap_AndThePictureEndsBelow(int layer)
    {
        var consumer = Consume();
        consumer.SetPreferredLayers(layer, null, _room.Now);
        SendPicture(isKey: true);
        SendPicture();
        SendPicture();

        var packets = (layer + 1) * 2;
        Assert.Equal(Enumerable.Range(0, 3 * packets).Select(i => i % packets / 2), Sent());
        Assert.Equal([packets - 1, (2 * packets) - 1, (3 * packets) - 1], Markers());
        Assert.Equal(layer, consumer.CurrentSpatialLayer);
    }

    [Fact]
    public void Svc_WishFalls_TakesEffectWithTheNextPicture()
    {
        var consumer = Consume();
        SendPicture(isKey: true);
        SendLayer(0);
        consumer.SetPreferredLayers(0, null, _room.Now);
        SendLayer(1);
        SendLayer(2);
        NextPicture();
        SendPicture();

        Assert.Equal([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0], Sent());
        Assert.Equal([5, 11, 13], Markers());
    }

    [Fact]
    public void Svc_WishRises_AsksForAKeyFrameAndWaitsForIt()
    {
        var consumer = Consume();
        consumer.SetPreferredLayers(0, null, _room.Now);
        SendPicture(isKey: true);
        _room.RunTo(_room.Now + 1_500_000);
        SendPicture();
        var asked = _room.PictureLosses;
        consumer.SetPreferredLayers(1, null, _room.Now);
        Assert.Equal(asked + 1, _room.PictureLosses);
        SendPicture();
        Assert.All(Sent(), l => Assert.Equal(0, l));

        SendPicture(isKey: true);
        SendPicture();
        Assert.Equal([0, 0, 1, 1, 0, 0, 1, 1], Sent()[6..]);
        Assert.Equal(1, consumer.CurrentSpatialLayer);
        _room.RunTo(_room.Now + 5_000_000);
        Assert.Equal(asked + 1, _room.PictureLosses);
    }

    [Fact]
    public void Svc_WishRisesWithinAKeyPicture_DoesNotBreakIt()
    {
        var consumer = Consume();
        consumer.SetPreferredLayers(0, null, _room.Now);
        SendLayer(0, isKey: true);
        consumer.SetPreferredLayers(2, null, _room.Now);
        SendLayer(1, isKey: true);
        SendLayer(2, isKey: true);
        NextPicture();
        SendPicture();

        // What the picture's end is was said before.
        Assert.Equal([0, 0, 0, 0], Sent());
        Assert.Equal([1, 3], Markers());
    }

    [Fact]
    public void Svc_KeyPictureWhoseFirstPacketIsLate_IsSentWithAllItsLayers()
    {
        var consumer = Consume();
        consumer.SetPreferredLayers(0, null, _room.Now);
        SendPicture(isKey: true);
        consumer.SetPreferredLayers(2, null, _room.Now);
        var late = Packet(0, isFirst: true, isKey: true);
        _room.Receive(Packet(0, isFirst: false, isKey: true));
        SendLayer(1, isKey: true);
        SendLayer(2, isKey: true);
        _room.Receive(late);

        AssertNoGap(8);
    }

    [Fact]
    public void Svc_LatePacketOfALeftOutLayer_FillsThePlaceThatWasKeptForIt()
    {
        var consumer = Consume();
        consumer.SetPreferredLayers(0, null, _room.Now);
        SendPicture(isKey: true);
        SendLayer(0);
        var late = Packet(1, isFirst: true, isKey: false);
        _room.Receive(Packet(1, isFirst: false, isKey: false));
        SendLayer(2);
        _room.Receive(late);
        NextPicture();
        SendPicture();
        AssertNoGap(7);
    }

    [Fact]
    public void Svc_PictureWithoutItsHighestLayer_KeepsTheSendersOwnEnd()
    {
        Consume();
        SendPicture(isKey: true);
        SendLayer(0);
        SendLayer(1, isLast: true);
        NextPicture();
        SendPicture();
        Assert.Equal([5, 9, 15], Markers());
    }

    [Fact]
    public void Svc_TemporalLayers_AreLeftOutInAllSpatialOnes_AndJoinedWhereThePictureBegins()
    {
        var consumer = Consume();
        consumer.SetPreferredLayers(1, 0, _room.Now);
        SendPicture(isKey: true);
        SendPicture(temporal: 2);
        SendPicture(temporal: 1);
        Assert.Equal([0, 0, 1, 1], Sent());

        // Not between the layers of one picture, though they may say so.
        SendLayer(0, temporal: 1, switchUp: true);
        consumer.SetPreferredLayers(1, 1, _room.Now);
        SendLayer(1, temporal: 1, switchUp: true);
        NextPicture();
        Assert.Equal(4, Sent().Length);
        SendPicture(temporal: 1, switchUp: true);
        Assert.Equal([0, 0, 1, 1], Sent()[4..]);
        Assert.Equal([3, 7], Markers());
    }

    [Fact]
    public void Svc_PacketSentAgain_EndsThePictureToo()
    {
        var consumer = Consume();
        consumer.SetPreferredLayers(1, null, _room.Now);
        SendPicture(isKey: true);
        var last = _room.ToReceiver[^1];
        Assert.True(last.Marker);
        var buffer = new byte[64];
        var writer = new RtcpWriter(buffer);
        Assert.Equal(1, writer.AddNack(new Ssrc(77), new Ssrc(last.Ssrc), [last.Sequence]));
        _room.Receiver.ReceiveRtcp(buffer.AsSpan(0, writer.Length), _room.Now);

        var again = _room.ToReceiver[^1];
        Assert.NotEqual(last.Ssrc, again.Ssrc);
        Assert.True(again.Marker);
        Assert.Equal(last.Sequence, BinaryPrimitives.ReadUInt16BigEndian(again.Payload));
        Assert.Equal(last.Payload, again.Payload[2..]);
    }

    [Fact]
    public void Svc_OfALimitedReceiver_HasTheHighestLayerThatFits()
    {
        var consumer = Consume();
        var wanted = true;
        Run(2);
        foreach (var (limit, layer) in ((long?, int)[])[(400_000, 1), (120_000, 0), (null, 2), (400_000, 1)])
        {
            _room.Receiver.SetMaxVideoBitrate(limit, _room.Now);
            Run(4);
            Assert.Equal(layer, consumer.CurrentSpatialLayer);
            _room.ToReceiver.Clear();
            Run(2);
            Assert.Equal(layer, Sent().Max());
            Assert.True(_room.ToReceiver.Sum(p => p.Payload.Length) * 8 / 2 < (limit ?? long.MaxValue));
        }

        // 25 pictures a second: 60, 120 and 400 kbit/s without headers.
        void Run(int seconds)
        {
            for (var i = 0; i < seconds * 25; i++)
            {
                var asked = _room.PictureLosses;
                SendPicture(isKey: wanted, sizes: [300, 600, 2_000]);
                wanted = _room.PictureLosses > asked;
                _room.RunTo(_room.Now + 40_000);
                wanted |= _room.PictureLosses > asked;
            }
        }
    }

    [Fact]
    public void Svc_AnyBytesAsDescriptors_HarmNothingAndLeaveNoGap()
    {
        var consumer = Consume();
        SendPicture(isKey: true);
        var random = new Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            var payload = new byte[random.Next(1, 40)];
            random.NextBytes(payload);
            _picture += random.Next(3) == 0 ? 1 : 0;
            _room.Now += 1_000;
            _room.Receive(MediaFixtures.Packet(
                MediaFixtures.ClientVp8, 1, _number++, unchecked((uint)_picture * 3_000 + 0xFFFF_0000), payload, marker: random.Next(4) == 0));
            if (i % 50 == 0)
            {
                consumer.SetPreferredLayers(random.Next(8), random.Next(4), _room.Now);
            }
        }

        Assert.True(_room.ToReceiver.Count > 1_000);
        Assert.Equal(_room.ToReceiver.Select((_, i) => (ushort)(_room.ToReceiver[0].Sequence + i)), _room.ToReceiver.Select(p => p.Sequence));
    }

    [Fact]
    public void Svc_Forwarding_AllocatesNothing()
    {
        var router = new Router("room", new RouterOptions { Seed = 1, AdaptsVideo = true });
        var sender = new LoopbackTransport(router, "sender");
        Assert.True(sender.Produce("p", MediaKind.Video, Parameters("L3T3_KEY"), false, 1).IsOk);
        var receiver = new LoopbackTransport(router, "receiver");
        var consumer = receiver.Consume("c", "p", Router.RtpCapabilities, false, 1).Value!;
        var now = 1L;
        byte[][] packets = [.. Enumerable.Range(0, Layers).Select(l => MediaFixtures.Packet(MediaFixtures.ClientVp8, 1, 0, 0, Payload(l, true, true, false, 0, false, true, 600), marker: l == Layers - 1))];
        var copy = new byte[packets[0].Length];
        ushort number = 0;
        Forward(3_000);
        var before = Allocations.Begin();
        Forward(3_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1, consumer.CurrentSpatialLayer);

        void Forward(int pictures)
        {
            for (var i = 0; i < pictures; i++)
            {
                now += 33_000;
                for (var layer = 0; layer < Layers; layer++)
                {
                    packets[layer].CopyTo(copy, 0);
                    BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(2), number++);
                    BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(4), (uint)(now * 9 / 100));
                    sender.ReceiveRtp(copy, now);
                }

                consumer.SetPreferredLayers(1, null, now);
                sender.Advance(now);
                receiver.Advance(now);
            }
        }
    }

    private static RtpParameters Parameters(string mode)
    {
        var vp8 = MediaFixtures.Video(1);
        return vp8 with
        {
            Codecs = [vp8.Codecs[0] with { MimeType = "video/VP9", Parameters = new() { ["profile-id"] = System.Text.Json.JsonSerializer.SerializeToElement(0) } }, vp8.Codecs[1]],
            Encodings = [vp8.Encodings[0] with { ScalabilityMode = mode }],
        };
    }

    // I, P, L, B, E; a picture id of 15 bits, the layer indices and TL0PICIDX. D is set where a key picture's layer has one below.
    private static byte[] Payload(int spatial, bool isKey, bool isFirst, bool isLastPart, int temporal, bool switchUp, bool isEnd, int length)
    {
        var payload = new byte[length];
        payload[0] = (byte)(0xA0 | (isKey ? 0 : 0x40) | (isFirst ? 0x08 : 0) | (isEnd || isLastPart ? 0x04 : 0));
        payload[1] = 0x81;
        payload[3] = (byte)((temporal << 5) | (switchUp ? 0x10 : 0) | (spatial << 1) | (isKey && spatial > 0 ? 1 : 0));
        return payload;
    }

    private ProducerConsumer Consume(string mode = "L3T3_KEY")
    {
        var produced = _room.Sender.Produce("p", MediaKind.Video, Parameters(mode), false, 0);
        Assert.True(produced.IsOk, produced.Error);
        _room.Now = 1;
        return _room.Receiver.Consume("c", "p", Router.RtpCapabilities, false, 0).Value!;
    }

    private byte[] Packet(int spatial, bool isFirst, bool isKey, int temporal = 0, bool switchUp = false, bool isLast = false, int length = 40)
    {
        var payload = Payload(spatial, isKey, isFirst, !isFirst, temporal, switchUp, false, Math.Max(8, length));
        payload[2] = (byte)_picture;
        return MediaFixtures.Packet(
            MediaFixtures.ClientVp8, 1, _number++, unchecked((uint)_picture * 3_000 + 0xFFFF_0000), payload, marker: !isFirst && (isLast || spatial == Layers - 1));
    }

    private void SendLayer(int spatial, bool isKey = false, int temporal = 0, bool switchUp = false, bool isLast = false, int length = 80)
    {
        _room.Receive(Packet(spatial, true, isKey, temporal, switchUp, isLast, length / 2));
        _room.Receive(Packet(spatial, false, isKey, temporal, switchUp, isLast, length / 2));
    }

    private void NextPicture() => _picture++;

    private void SendPicture(bool isKey = false, int temporal = 0, bool switchUp = false, int[]? sizes = null)
    {
        for (var spatial = 0; spatial < Layers; spatial++)
        {
            SendLayer(spatial, isKey, temporal, switchUp, length: sizes?[spatial] ?? 80);
        }

        NextPicture();
    }

    // The spatial layers of what was sent, in order.
    private int[] Sent()
    {
        var first = _room.ToReceiver[0];
        Assert.Equal(_room.ToReceiver.Select((_, i) => (ushort)(first.Sequence + i)), _room.ToReceiver.Select(p => p.Sequence));
        return [.. _room.ToReceiver.Select(p => (p.Payload[3] >> 1) & 7)];
    }

    private void AssertNoGap(int count)
    {
        var first = _room.ToReceiver[0].Sequence;
        Assert.Equal(Enumerable.Range(0, count).Select(i => (ushort)i), _room.ToReceiver.Select(p => (ushort)(p.Sequence - first)).Order());
    }

    private int[] Markers() => [.. _room.ToReceiver.Select((p, i) => p.Marker ? i : -1).Where(i => i >= 0)];
}
