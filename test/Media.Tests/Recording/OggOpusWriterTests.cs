using VoiceCluster.Media.Recording.Ogg;
using VoiceCluster.Media.Recording.Sound;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>How an Ogg Opus file ends: exactly where it should, as far as what is written already lets it.</summary>
public class OggOpusWriterTests
{
    private const int Frame = SilentOpus.LongestSamples;

    private readonly MemoryFiles _files = new();

    [Theory]
    [InlineData(10 * Frame, 10)]
    [InlineData((10 * Frame) - 1, 10)]
    [InlineData((9 * Frame) + 1, 10)]
    [InlineData(9 * Frame, 9)]
    [InlineData((8 * Frame) + 500, 9)]
    [InlineData(1, 1)]
    public void Finish_WithinThePageThatWaits_EndsAtTheSample_AndLeavesOutWhatBeginsLater(long end, int packets)
    {
        var writer = Write(10);
        Assert.Equal(end, writer.Finish(end));

        var file = Read();
        Assert.Equal(end, file.Samples);
        Assert.Equal(packets + 1, file.Sound.Count());
    }

    [Fact]
    public void Finish_BeyondTheLastPacket_EndsWithIt()
    {
        Assert.Equal(3 * Frame, Write(3).Finish(100 * Frame));
        Assert.Equal(3 * Frame, Read().Samples);
    }

    [Fact]
    public void Finish_BeforeWhatIsWritten_EndsAfterIt()
    {
        // 20 frames are a page, of which the first is the frame of silence that players leave out.
        var writer = Write(30);
        Assert.Equal(19 * Frame, writer.Finish(5 * Frame));

        // The last page must complete a packet (RFC 3533 §6), so one stays, of which nothing is played.
        var file = Read();
        Assert.Equal(19 * Frame, file.Samples);
        Assert.Equal(21, file.Sound.Count());
    }

    [Fact]
    public void Finish_WithNothingThatWaits_EndsWithAFrameOfSilence()
    {
        var writer = Write(19);
        writer.Flush();
        Assert.Equal(19 * Frame, writer.Finish(19 * Frame));

        var file = Read();
        Assert.Equal(19 * Frame, file.Samples);
        Assert.Equal(SilentOpus.Longest.ToArray(), file.Sound.Last());
    }

    [Fact]
    public void Finish_OfNothing_IsAFileOfNoLength()
    {
        Assert.Equal(0, Write(0).Finish(0));
        Assert.Equal(0, Read().Samples);
    }

    [Fact]
    public void Finish_WithALongPacketLast_TakesItBackWhole()
    {
        var writer = Write(2);

        // Three laces of 255 and one of 235; a packet of 255 bytes has a lace of 0 at its end (RFC 3533 §6, field 9).
        writer.OnSound(Packet(1_000), Frame);
        writer.OnSound(Packet(255), Frame);
        Assert.Equal(2 * Frame, writer.Finish(2 * Frame));
        Assert.Equal(3, Read().Sound.Count());
    }

    [Fact]
    public void Finish_WithALongPacketWithin_KeepsItWhole()
    {
        var writer = Write(2);
        writer.OnSound(Packet(1_000), Frame);
        writer.OnSound(Packet(255), Frame);
        Assert.Equal((4 * Frame) - 7, writer.Finish((4 * Frame) - 7));
        Assert.Equal([3, 3, 3, 1_000, 255], Read().Sound.Select(p => p.Length));
    }

    private static byte[] Packet(int length)
    {
        var packet = new byte[length];
        SilentOpus.Longest.CopyTo(packet);
        return packet;
    }

    private OggOpusWriter Write(int frames)
    {
        var writer = new OggOpusWriter(_files.Create("a.ogg"), 2, 1);
        for (var i = 0; i < frames; i++)
        {
            writer.OnSound(SilentOpus.Longest, Frame);
        }

        return writer;
    }

    private OggReader Read()
    {
        Assert.True(_files.Files["a.ogg"].IsClosed);
        var file = new OggReader(_files["a.ogg"]);
        file.AssertGranules();
        Assert.True(file.Ended);
        Assert.Equal(_files["a.ogg"].Length, file.CompleteLength);
        return file;
    }
}
