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
        Assert.True(PictureIndex.TryRead(PayloadFormat.Vp8, payload, out var index));
        index.Shift(payload, 3, 2);
        Assert.Equal(2, vp8.ReadPictureId(payload));
        Assert.Equal(1, vp8.ReadTl0PicIdx(payload));
    }

    [Theory]
    [InlineData(PayloadFormat.Vp8, "90C07F05AA", 0x7F, 5, "90C00106AA")]
    [InlineData(PayloadFormat.Vp8, "9080FFFFAA", 0x7FFF, 0, "90808001AA")]
    [InlineData(PayloadFormat.Vp9, "AC81232005AA", 0x123, 5, "AC81252006AA")]
    [InlineData(PayloadFormat.Vp9, "BC7F2040AA", 0x7F, 0, "BC012040AA")]
    [InlineData(PayloadFormat.Vp9, "8C8123AA", 0x123, 0, "8C8125AA")]
    public void Pictures_AreReadAndShiftedWhereTheyAre(PayloadFormat format, string hex, int id, byte tl0, string shifted)
    {
        var payload = Convert.FromHexString(hex);
        Assert.True(PictureIndex.TryRead(format, payload, out var index));
        Assert.Equal((id, tl0), (index.Id, index.Tl0));
        index.Shift(payload, 2, 1);
        Assert.Equal(shifted, Convert.ToHexString(payload));
    }

    [Theory]
    [InlineData(PayloadFormat.Vp8, "10AA")]
    [InlineData(PayloadFormat.Vp9, "2C2005AA")]
    [InlineData(PayloadFormat.Vp9, "AC8123")]
    [InlineData(PayloadFormat.Vp9, "AC812320")]
    [InlineData(PayloadFormat.Vp9, "80")]
    [InlineData(PayloadFormat.H264, "AC81232005AA")]
    public void Pictures_WithoutAnId_AreNotRead(PayloadFormat format, string hex) =>
        Assert.False(PictureIndex.TryRead(format, Convert.FromHexString(hex), out _));

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
