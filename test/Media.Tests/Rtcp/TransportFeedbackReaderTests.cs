using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Rtcp;

public class TransportFeedbackReaderTests
{
    [Fact]
    public void Read_WhatOurGeneratorWrites_GivesItsArrivals()
    {
        var random = new Random(3);
        var generator = new TransportFeedbackGenerator();
        var arrivals = new SortedDictionary<int, long>();
        var now = 5_000_000L;
        for (var i = 0; i < 300; i++)
        {
            now += random.Next(0, 20) == 0 ? 90_000 : random.Next(0, 4_000);
            if (random.Next(10) != 0)
            {
                arrivals.Add(100 + i, now / 250 * 250);
                generator.OnPacket((ushort)(100 + i), new Ssrc(9), now);
            }
        }

        var read = new SortedDictionary<int, long>();
        var buffer = new byte[1_500];
        while (generator.IsDue)
        {
            var writer = new RtcpWriter(buffer);
            Assert.True(generator.TryWrite(ref writer, new Ssrc(1)));
            Assert.True(TransportFeedbackReader.TryParse(Control(buffer.AsSpan(0, writer.Length)), out var reader));
            for (var number = reader.First.Value; reader.MoveNext(); number++)
            {
                Assert.Equal(number, reader.Current.Value);
                if (reader.IsReceived)
                {
                    read.Add(number, TransportFeedbackReader.ToMicroseconds(reader.ReferenceTime) + reader.Arrival);
                }
            }
        }

        Assert.Equal(arrivals, read);
    }

    [Fact]
    public void Read_EveryKindOfChunk_GivesTheStatusesOfTheDraft()
    {
        // From 65,534 on: a run of two small deltas, one-bit vector 01000000000000, two-bit vector 10 00 01 (cut off by the count).
        var control = Convert.FromHexString("FFFE" + "0013" + "00000205" + "2002" + "9000" + "E100" + "04" + "08" + "01" + "FFFC" + "02");
        Assert.True(TransportFeedbackReader.TryParse(control, out var reader));
        Assert.Equal(2, reader.ReferenceTime);
        var arrivals = new List<(int Number, long Arrival)>();
        var seen = 0;
        while (reader.MoveNext())
        {
            seen++;
            if (reader.IsReceived)
            {
                arrivals.Add((reader.Current.Value, reader.Arrival));
            }
        }

        Assert.Equal(19, seen);
        Assert.Equal([(65534, 1_000), (65535, 3_000), (1, 3_250), (14, 2_250), (16, 2_750)], arrivals);
    }

    [Fact]
    public void Read_FeedbackFilledUpToAWord_AsBrowsersWriteIt_IsUnderstood()
    {
        // One small delta, and one byte of padding, which counts itself.
        var packet = Convert.FromHexString("AFCD0005" + "00000001" + "00000009" + "00050001" + "00000100" + "2001" + "04" + "01");
        var compound = new RtcpReader(packet);
        Assert.True(compound.MoveNext());
        Assert.True(TransportFeedbackReader.TryParse(compound.Current.FeedbackControl, out var reader));
        Assert.True(reader.MoveNext());
        Assert.Equal((5, 1_000L), ((int)reader.Current.Value, reader.Arrival));
        Assert.False(compound.MoveNext());
        Assert.False(compound.IsMalformed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00010001000000")]
    [InlineData("0001000000000000")]
    [InlineData("0001000100000000")]
    [InlineData("00010001000000002001")]
    [InlineData("00010001000000006001FFFF")]
    [InlineData("00010001000000002000")]
    [InlineData("0001FFFF000000001FFF1FFF1FFF1FFF1FFF1FFF1FFF1FFF1FFF")]
    public void Parse_CountsChunksOrDeltasThatDoNotAddUp_IsRefused(string hex)
        => Assert.False(TransportFeedbackReader.TryParse(Convert.FromHexString(hex), out _));

    private static ReadOnlySpan<byte> Control(ReadOnlySpan<byte> compound)
    {
        var reader = new RtcpReader(compound);
        Assert.True(reader.MoveNext());
        return reader.Current.FeedbackControl;
    }
}
