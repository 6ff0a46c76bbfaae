using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Routing;

/// <summary>Two streams of one picture, and a receiver that sees one: by codec, and by what receivers wait for.</summary>
public sealed class SimulcastTests
{
    private readonly TestRoom _room = new();

    [Theory]
    [InlineData(PayloadFormat.Vp8)]
    [InlineData(PayloadFormat.Vp9)]
    [InlineData(PayloadFormat.H264)]
    public void HigherLayerAppears_SwitchesAtItsKeyFrameWithoutAGap(PayloadFormat format)
    {
        var consumer = Consume(format);
        _room.Receive(Low(100, 1000, key: true, id: 7));
        _room.Now = 33_000;
        _room.Receive(Low(101, 4000, id: 8));
        Assert.Equal(0, consumer.CurrentSpatialLayer);
        _room.Now = 40_000;
        _room.Receive(High(500, 900_000, id: 300));
        Assert.Equal(0, consumer.CurrentSpatialLayer);
        _room.Now = 66_000;
        _room.Receive(High(501, 903_000, key: true, id: 301));
        Assert.Equal(1, consumer.CurrentSpatialLayer);
        _room.Receive(Low(102, 7000, id: 9));

        AssertContiguous(3);
        AssertPictures(format, [7, 8, 9], [7, 8, 9]);
        Assert.InRange(_room.ToReceiver[2].Timestamp, 4000u + 2900, 4000u + 3100);

        byte[] Low(ushort sequence, uint timestamp, int id, bool key = false) => Layer(format, "q", sequence, timestamp, key, id, (byte)id);
        byte[] High(ushort sequence, uint timestamp, int id, bool key = false) => Layer(format, "f", sequence, timestamp, key, id, (byte)id);
    }

    [Theory]
    [InlineData(PayloadFormat.Vp8)]
    [InlineData(PayloadFormat.Vp9)]
    [InlineData(PayloadFormat.H264)]
    public void PreferenceForTheLowLayer_AsksForItsKeyFrameAndSwitchesDown(PayloadFormat format)
    {
        var consumer = Consume(format);
        _room.Receive(Layer(format, "f", 500, 900_000, true, 1, 1));
        _room.Receive(Layer(format, "q", 100, 1000, false, 1, 1));
        var asked = _room.PictureLosses;
        consumer.SetPreferredLayers(0, null, _room.Now);
        _room.RunTo(1_100_000);
        Assert.True(_room.PictureLosses > asked);
        _room.Receive(Layer(format, "q", 101, 4000, true, 2, 2));
        Assert.Equal(0, consumer.CurrentSpatialLayer);
        AssertContiguous(2);
    }

    [Theory]
    [InlineData(PayloadFormat.Vp8)]
    [InlineData(PayloadFormat.Vp9)]
    [InlineData(PayloadFormat.H264)]
    public void SwitchesUpAndDown_NumbersAndPictureIdsGoOnByOne(PayloadFormat format)
    {
        // The two count from different places, and one of them wraps both of its counters.
        var consumer = Consume(format);
        var (low, high) = (new Source("q", 32_760, 250, 60_000), new Source("f", 11, 40, 65_500));
        var frames = 0;
        for (var round = 0; round < 6; round++)
        {
            var wanted = round % 2;
            consumer.SetPreferredLayers(wanted, null, _room.Now);
            for (var i = 0; i < 8; i++, frames++)
            {
                _room.Now += 33_000;
                foreach (var source in (Source[])(wanted == 0 ? [low, high] : [high, low]))
                {
                    _room.Receive(source.Next(format, key: i == 0, (uint)(frames * 3_000)));
                }
            }

            Assert.Equal(wanted, consumer.CurrentSpatialLayer);
        }

        AssertContiguous(frames);
        var first = _room.ToReceiver[0];
        AssertPictures(
            format,
            [.. Enumerable.Range(0, frames).Select(i => (32_760 + i) & 0x7FFF)],
            [.. Enumerable.Range(0, frames).Select(i => (byte)(250 + i))]);
        Assert.All(_room.ToReceiver.Zip(_room.ToReceiver.Skip(1)), p => Assert.InRange((int)(p.Second.Timestamp - p.First.Timestamp), 2_800, 3_200));
        Assert.Equal(first.Ssrc, _room.ToReceiver[^1].Ssrc);
    }

    [Theory]
    [InlineData(0x7F)]
    [InlineData(0x7FFF)]
    public void TemporalLayersLeftOut_LeaveNoGapInPictureIds_AndLateOnesOfOthersKeepTheirs(int last)
    {
        // A receiver waits for an id that is missing below a picture of a higher layer, unless that begins its layer (Y).
        var consumer = Consume(PayloadFormat.Vp8);
        consumer.SetPreferredLayers(0, 1, _room.Now);
        int[] pattern = [0, 2, 1, 2];
        var late = Array.Empty<byte>();
        ushort number = 65_530;
        for (var i = 0; i < 40; i++)
        {
            for (var part = 0; part < 2; part++)
            {
                var payload = Vp8(last, last - 5 + i, (byte)(250 + (i / 4)), pattern[i % 4], start: part == 0, key: i == 0);
                var packet = Packet("q", number++, (uint)(i * 3_000), payload, marker: part == 1);
                if (i == 22 && part == 1)
                {
                    // The end of a picture of layer 1 comes after pictures that are left out.
                    late = packet;
                    continue;
                }

                _room.Receive(packet);
            }

            if (i == 25)
            {
                _room.Receive(late);
            }
        }

        var sent = _room.ToReceiver.OrderBy(p => (ushort)(p.Sequence - _room.ToReceiver[0].Sequence)).ToArray();
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (ushort)(sent[0].Sequence + i)), sent.Select(p => p.Sequence));
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (last - 5 + (i / 2)) & last), sent.Select(p => Pictures(PayloadFormat.Vp8, p).Id));
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (byte)(250 + (i / 4))), sent.Select(p => Pictures(PayloadFormat.Vp8, p).Tl0));
        Assert.All(sent, p => Assert.True(p.Payload[p.Payload.Length > 0 ? LayerOffset(last) : 0] >> 6 < 2));
    }

    [Fact]
    public void PicturesThatAreLost_AreMissing_AndARetransmissionHasItsId()
    {
        var consumer = Consume(PayloadFormat.Vp8);
        consumer.SetPreferredLayers(0, 1, _room.Now);
        byte[][] packets = [.. Enumerable.Range(0, 12).Select(i => Packet("q", (ushort)(10 + i), (uint)(i * 3_000), Vp8(0x7FFF, 500 + i, (byte)(i / 4), i % 4 == 0 ? 0 : i % 2 == 1 ? 2 : 1, true, i == 0), marker: true))];
        foreach (var i in (int[])[0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11])
        {
            _room.Now += 33_000;
            _room.Receive(packets[i]);
        }

        // The sixth is of a layer that is wanted: nobody knows while it is away.
        Assert.Equal([500, 501, 502, 504, 505], _room.ToReceiver.Select(p => Pictures(PayloadFormat.Vp8, p).Id));
        _room.Receive(packets[6]);
        Assert.Equal(503, Pictures(PayloadFormat.Vp8, _room.ToReceiver[^1]).Id);

        // Asked for again, a picture has the id that it had.
        var wanted = _room.ToReceiver[2];
        var buffer = new byte[40];
        var writer = new RtcpWriter(buffer);
        Assert.Equal(1, writer.AddNack(new Ssrc(77), new Ssrc(wanted.Ssrc), [wanted.Sequence]));
        _room.Receiver.ReceiveRtcp(buffer.AsSpan(0, writer.Length), _room.Now);
        Assert.Equal(wanted.Payload, _room.ToReceiver[^1].Payload[2..]);
    }

    private static int LayerOffset(int last) => last > 0x7F ? 5 : 4;

    private static (int Id, byte Tl0) Pictures(PayloadFormat format, SentRtp packet)
    {
        Assert.True(PictureIndex.TryRead(format, packet.Payload, out var index));
        return (index.Id, index.Tl0);
    }

    private static byte[] Layer(PayloadFormat format, string rid, ushort sequence, uint timestamp, bool key, int id, byte tl0) =>
        Packet(rid, sequence, timestamp, format switch
        {
            PayloadFormat.Vp8 => Vp8(0x7FFF, id, tl0, 0, start: true, key),
            PayloadFormat.Vp9 => [(byte)(key ? 0xAC : 0xEC), (byte)(0x80 | (id >> 8)), (byte)id, 0, tl0, 1, 2, 3, 4],

            // Parameter sets and an IDR slice in one packet (STAP-A), or a slice.
            _ => key ? [0x78, 0, 4, 0x67, 0x42, 0xE0, 0x1F, 0, 2, 0x68, 0xCE, 0, 3, 0x65, 1, 2] : [0x61, 1, 2, 3],
        }, marker: true);

    private static byte[] Packet(string rid, ushort sequence, uint timestamp, byte[] payload, bool marker) => MediaFixtures.Packet(
        MediaFixtures.ClientVp8, rid == "q" ? 11u : 22, sequence, timestamp, payload, MediaFixtures.ClientMidId, "v1"u8.ToArray(), marker, MediaFixtures.ClientRidId, System.Text.Encoding.ASCII.GetBytes(rid));

    private static byte[] Vp8(int last, int id, byte tl0, int layer, bool start, bool key) => last > 0x7F
        ? [(byte)(start ? 0x90 : 0x80), 0xE0, (byte)(0x80 | ((id & last) >> 8)), (byte)id, tl0, (byte)(layer << 6), (byte)(key ? 0x10 : 0x11), 1, 2]
        : [(byte)(start ? 0x90 : 0x80), 0xE0, (byte)(id & last), tl0, (byte)(layer << 6), (byte)(key ? 0x10 : 0x11), 1, 2];

    private ProducerConsumer Consume(PayloadFormat format)
    {
        Assert.True(_room.Sender.Produce("p", MediaKind.Video, MediaFixtures.Simulcast(format), false, 0).IsOk);
        return _room.Receiver.Consume("c", "p", Router.RtpCapabilities, false, _room.Now).Value!;
    }

    private void AssertContiguous(int count) =>
        Assert.Equal(Enumerable.Range(0, count).Select(i => (ushort)(_room.ToReceiver[0].Sequence + i)), _room.ToReceiver.Select(p => p.Sequence));

    private void AssertPictures(PayloadFormat format, int[] ids, byte[] tl0s)
    {
        if (format != PayloadFormat.H264)
        {
            Assert.Equal(ids, _room.ToReceiver.Select(p => Pictures(format, p).Id));
            Assert.Equal(tl0s, _room.ToReceiver.Select(p => Pictures(format, p).Tl0));
        }
    }

    private sealed class Source(string rid, int id, byte tl0, ushort sequence)
    {
        public byte[] Next(PayloadFormat format, bool key, uint timestamp) => Layer(format, rid, sequence++, timestamp, key, id++ & 0x7FFF, tl0++);
    }
}
