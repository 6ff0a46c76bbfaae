using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Rtcp;

public class RtcpTests
{
    [Fact]
    public void Compound_SenderReportAndCname_ReadsBack()
    {
        var buffer = new byte[200];
        var writer = new RtcpWriter(buffer);
        var report = new SenderReport(new Ssrc(5), new NtpTime(0x0102030405060708), 77, 3, 480);
        Assert.True(writer.TryAddSenderReport(report));
        Assert.True(writer.TryAddCname(new Ssrc(5), "alice"u8));

        // RFC 3550 §6.5: SDES chunk of 4 + 2 + 5 + 1 bytes.
        Assert.Equal(28 + 16, writer.Length);
        var reader = new RtcpReader(buffer.AsSpan(0, writer.Length));
        Assert.True(reader.MoveNext());
        Assert.True(SenderReport.TryRead(reader.Current, out var read));
        Assert.Equal(report, read);
        Assert.True(reader.MoveNext());
        Assert.Equal(RtcpType.SourceDescription, reader.Current.Type);
        Assert.False(reader.MoveNext());
        Assert.False(reader.IsMalformed);
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(0)]
    [InlineData(0x7FFFFF)]
    public void ReportBlock_AnyCumulativeLoss_ReadsBack(int lost)
    {
        var buffer = new byte[100];
        var writer = new RtcpWriter(buffer);
        var block = new ReportBlock(new Ssrc(9), 25, lost, 0x1FFFF, 12, 34, 56);
        Assert.True(writer.TryAddReceiverReport(new Ssrc(1), [block]));
        var reader = new RtcpReader(buffer.AsSpan(0, writer.Length));
        Assert.True(reader.MoveNext());
        var blocks = reader.Current.ReportBlocks;
        Assert.True(blocks.MoveNext());
        Assert.Equal(block, blocks.Current);
        Assert.False(blocks.MoveNext());
    }

    [Fact]
    public void Nack_NumbersAcrossTheWrap_PackIntoPidAndBlp()
    {
        var buffer = new byte[100];
        var writer = new RtcpWriter(buffer);
        ushort[] wanted = [65534, 65535, 0, 14, 15, 300];
        Assert.Equal(6, writer.AddNack(new Ssrc(1), new Ssrc(2), wanted));
        Assert.Equal(12 + 12, writer.Length);
        var reader = new RtcpReader(buffer.AsSpan(0, writer.Length));
        Assert.True(reader.MoveNext());
        Assert.Equal(new Ssrc(2), reader.Current.MediaSource);
        var read = new List<ushort>();
        var nack = new NackReader(reader.Current.FeedbackControl);
        while (nack.MoveNext())
        {
            read.Add(nack.Current.Value);
        }

        Assert.Equal(wanted, read);
    }

    [Fact]
    public void Nack_MoreThanFits_SaysHowMany()
    {
        var buffer = new byte[20];
        var writer = new RtcpWriter(buffer);
        Assert.Equal(2, writer.AddNack(new Ssrc(1), new Ssrc(2), [1, 100, 200]));
        Assert.Equal(20, writer.Length);
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(2_500_000)]
    [InlineData(262_143)]
    public void Remb_Bitrate_ReadsBackWithin1In1000(long bitrate)
    {
        var buffer = new byte[100];
        var writer = new RtcpWriter(buffer);
        Assert.True(writer.TryAddRemb(new Ssrc(1), bitrate, [new Ssrc(2), new Ssrc(3)]));
        var reader = new RtcpReader(buffer.AsSpan(0, writer.Length));
        Assert.True(reader.MoveNext());
        Assert.True(Remb.TryRead(reader.Current.FeedbackControl, out var remb));
        Assert.InRange(remb.Bitrate, bitrate * 999 / 1000, bitrate);
    }

    /// <summary>As libwebrtc writes transport-wide feedback: the padding is what was missing to a multiple of four.</summary>
    [Theory]
    [InlineData("AFCD00050000000100000002000100010000000000010002", 18)]
    [InlineData("AFCD00050000000100000002000100010000000020010401", 19)]
    public void Reader_PaddingOfLessThanAWord_IsLeftOut(string hex, int body)
    {
        var reader = new RtcpReader(Convert.FromHexString(hex));

        Assert.True(reader.MoveNext());
        Assert.Equal((RtcpType.TransportFeedback, TransportFeedbackFormat.TransportCc, body), (reader.Current.Type, reader.Current.Count, reader.Current.Body.Length));
        Assert.False(reader.MoveNext());
        Assert.False(reader.IsMalformed);
    }

    [Theory]
    [InlineData("81C9")]
    [InlineData("81C9000700000001")]
    [InlineData("01C9000100000001")]
    [InlineData("A0C9000100000005")]
    [InlineData("A0C9000100000000")]
    [InlineData("A0C9000000")]
    public void Reader_LengthsThatDoNotAddUp_IsMalformed(string hex)
    {
        var reader = new RtcpReader(Convert.FromHexString(hex));
        while (reader.MoveNext())
        {
        }

        Assert.True(reader.IsMalformed);
    }

    [Fact]
    public void ReportBlocks_CountBeyondTheBody_AreNone()
    {
        var reader = new RtcpReader(Convert.FromHexString("9FC9000100000001"));
        Assert.True(reader.MoveNext());
        var blocks = reader.Current.ReportBlocks;
        Assert.False(blocks.MoveNext());
    }

    [Fact]
    public void Writer_FullBuffer_RefusesAndStaysWhole()
    {
        var writer = new RtcpWriter(new byte[20]);
        Assert.True(writer.TryAddPictureLoss(new Ssrc(1), new Ssrc(2)));
        Assert.False(writer.TryAddPictureLoss(new Ssrc(1), new Ssrc(2)));
        Assert.Equal(12, writer.Length);
    }
}
