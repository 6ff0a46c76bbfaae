using System.Buffers.Binary;
using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Bandwidth;

public class TransportFeedbackTests
{
    [Fact]
    public void Feedback_ArrivalsLossesAndReordering_ReadBackToTheTick()
    {
        var random = new Random(3);
        var generator = new TransportFeedbackGenerator();
        var arrivals = new SortedDictionary<ushort, long>();
        var now = 5_000_000L;
        for (var i = 0; i < 300; i++)
        {
            now += random.Next(0, 20) == 0 ? 90_000 : random.Next(0, 4000);
            if (random.Next(10) != 0)
            {
                var number = (ushort)(100 + (i ^ (i % 7 == 0 ? 1 : 0)));
                if (arrivals.TryAdd(number, now))
                {
                    generator.OnPacket(number, new Ssrc(9), now);
                }
            }
        }

        var read = Drain(generator);
        Assert.Equal(arrivals.Keys.ToArray(), read.Keys.ToArray());
        var difference = read.First().Value - arrivals.First().Value;
        foreach (var (number, arrival) in arrivals)
        {
            Assert.InRange(read[number] - difference - arrival, -250, 250);
        }
    }

    [Fact]
    public void Feedback_AcrossTheWrap_CountsOn()
    {
        var generator = new TransportFeedbackGenerator();
        generator.OnPacket(65535, new Ssrc(9), 1000);
        generator.OnPacket(1, new Ssrc(9), 2000);
        Assert.Equal([1, 65535], Drain(generator).Keys.Select(k => (int)k));
        Assert.False(generator.IsDue);
    }

    [Fact]
    public void Feedback_LatePacket_IsReportedAfterAll()
    {
        var generator = new TransportFeedbackGenerator();
        generator.OnPacket(10, new Ssrc(9), 1000);
        generator.OnPacket(12, new Ssrc(9), 2000);
        Assert.Equal([10, 12], Drain(generator).Keys.Select(k => (int)k));
        generator.OnPacket(11, new Ssrc(9), 3000);
        Assert.Contains((ushort)11, Drain(generator).Keys.ToArray());
    }

    [Fact]
    public void Feedback_AfterASilenceOfMinutes_BeginsAnew()
    {
        var generator = new TransportFeedbackGenerator();
        generator.OnPacket(10, new Ssrc(9), 1000);
        generator.OnPacket(11, new Ssrc(9), 200_000_000);
        Assert.Equal([10, 11], Drain(generator).Keys.Select(k => (int)k));
    }

    // Reads as draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1 says.
    private static SortedDictionary<ushort, long> Drain(TransportFeedbackGenerator generator)
    {
        var result = new SortedDictionary<ushort, long>();
        var buffer = new byte[1500];
        byte expectedCount = 0;
        while (generator.IsDue)
        {
            var writer = new RtcpWriter(buffer);
            Assert.True(generator.TryWrite(ref writer, new Ssrc(1)));
            var reader = new RtcpReader(buffer.AsSpan(0, writer.Length));
            Assert.True(reader.MoveNext());
            Assert.Equal(TransportFeedbackFormat.TransportCc, reader.Current.Count);
            Assert.Equal(new Ssrc(9), reader.Current.MediaSource);
            var control = reader.Current.FeedbackControl;
            var number = BinaryPrimitives.ReadUInt16BigEndian(control);
            int count = BinaryPrimitives.ReadUInt16BigEndian(control[2..]);
            var time = (BinaryPrimitives.ReadUInt32BigEndian(control[4..]) >> 8) * 64_000L;
            Assert.True(control[7] >= expectedCount);
            expectedCount = control[7];
            var symbols = new List<int>();
            var offset = 8;
            while (symbols.Count < count)
            {
                int chunk = BinaryPrimitives.ReadUInt16BigEndian(control[offset..]);
                offset += 2;
                if ((chunk & 0x8000) == 0)
                {
                    symbols.AddRange(Enumerable.Repeat((chunk >> 13) & 3, chunk & 0x1FFF));
                }
                else
                {
                    Assert.True((chunk & 0x4000) != 0);
                    for (var i = 12; i >= 0; i -= 2)
                    {
                        symbols.Add((chunk >> i) & 3);
                    }
                }
            }

            for (var i = 0; i < count; i++, number++)
            {
                if (symbols[i] == 0)
                {
                    continue;
                }

                time += symbols[i] == 1 ? control[offset] * 250L : BinaryPrimitives.ReadInt16BigEndian(control[offset..]) * 250L;
                offset += symbols[i];
                result[number] = time;
            }
        }

        return result;
    }
}
