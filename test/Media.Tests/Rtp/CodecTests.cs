using VoiceCluster.Media.Rtp.Codecs;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Rtp;

public class CodecTests
{
    [Theory]
    [InlineData("1000", true)]
    [InlineData("1001", false)]
    [InlineData("0000", false)]
    [InlineData("1100", false)]
    [InlineData("90800500", true)]
    [InlineData("9080812300", true)]
    public void Vp8_Descriptor_FindsKeyFrames(string hex, bool isKey)
    {
        Assert.True(Vp8Descriptor.TryParse(Convert.FromHexString(hex), out var vp8));
        Assert.Equal(isKey, vp8.IsKeyFrame);
    }

    [Fact]
    public void Vp8_Shift_WrapsBothCounters()
    {
        var payload = MediaFixtures.Vp8Payload(true, true, 0x7FFF, 255, tid: 2);
        Assert.True(Vp8Descriptor.TryParse(payload, out var vp8));
        Assert.Equal(2, vp8.TemporalLayer);
        vp8.Shift(payload, 3, 2);
        Assert.Equal(2, vp8.ReadPictureId(payload));
        Assert.Equal(1, vp8.ReadTl0PicIdx(payload));
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("90")]
    [InlineData("9080")]
    [InlineData("9080FF")]
    [InlineData("9040")]
    public void Vp8_TruncatedDescriptor_IsFalse(string hex) => Assert.False(Vp8Descriptor.TryParse(Convert.FromHexString(hex), out _));

    [Theory]
    [InlineData("8C8123", true, 0x123, -1, -1)]
    [InlineData("CC8123", false, 0x123, -1, -1)]
    [InlineData("A80510", true, 5, 0, 0)]
    [InlineData("A80552", false, 5, 2, 1)]
    public void Vp9_Descriptor_IsRead(string hex, bool isKey, int pictureId, int temporal, int spatial)
    {
        Assert.True(Vp9Descriptor.TryParse(Convert.FromHexString(hex), out var vp9));
        Assert.Equal((isKey, pictureId, temporal, spatial), (vp9.IsKeyFrame, vp9.PictureId, vp9.TemporalLayer, vp9.SpatialLayer));
    }

    [Theory]
    [InlineData("6742E01F", true, false)]
    [InlineData("65AA", false, true)]
    [InlineData("61AA", false, false)]
    [InlineData("7800046742E01F000268CE", true, false)]
    [InlineData("7C8500", false, true)]
    [InlineData("7C8700", true, false)]
    [InlineData("7C0500", false, false)]
    public void H264_NalUnits_AreFound(string hex, bool sps, bool idr)
    {
        Assert.True(H264Payload.TryParse(Convert.FromHexString(hex), out var h264));
        Assert.Equal((sps, idr), (h264.HasSps, h264.HasIdr));
    }

    [Theory]
    [InlineData("")]
    [InlineData("7C")]
    [InlineData("78000967")]
    [InlineData("780000")]
    public void H264_Truncated_IsFalse(string hex) => Assert.False(H264Payload.TryParse(Convert.FromHexString(hex), out _));

    [Theory]
    [InlineData("78", true)]
    [InlineData("7800", true)]
    [InlineData("780000", false)]
    public void Opus_ShortPayload_IsDtx(string hex, bool isDtx) => Assert.Equal(isDtx, Opus.IsDtx(Convert.FromHexString(hex)));
}
