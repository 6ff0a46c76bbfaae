using System.Buffers.Binary;
using VoiceCluster.LoadTest.Figures;
using VoiceCluster.LoadTest.Media;
using VoiceCluster.LoadTest.Signalling;

namespace VoiceCluster.LoadTest.Tests;

public sealed class FiguresTests
{
    [Fact]
    public void Histogram_OneToAMillion_PercentilesAreRightWithinTwoPercent()
    {
        var histogram = new LatencyHistogram();
        for (var i = 1; i <= 1_000_000; i++)
        {
            histogram.Add(i);
        }

        foreach (var share in (double[])[0.01, 0.5, 0.99, 0.999])
        {
            Assert.InRange(histogram.Percentile(share), share * 1_000_000, share * 1_000_000 * 1.02);
        }

        Assert.Equal(1_000_000, histogram.Max);
        Assert.Equal(1_000_000, histogram.Percentile(1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(long.MaxValue)]
    public void Histogram_OneValue_IsEveryPercentile(long value)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(value);

        Assert.Equal(value, histogram.Percentile(0.5));
    }

    [Fact]
    public void Histogram_Empty_IsZero() => Assert.Equal(0, new LatencyHistogram().Percentile(0.99));

    [Fact]
    public void Meter_LossReorderingAndWrap_AreCounted()
    {
        var meter = new StreamMeter();
        foreach (var sequence in (ushort[])[65_533, 65_534, 1, 65_535, 2, 5])
        {
            meter.Count(Packet(7, sequence), window: 1, arrived: 0);
        }

        meter.Count(Packet(8, 100), window: 0, arrived: 0);
        var (streams, expected, received) = (0L, 0L, 0L);
        meter.Sum(1, ref streams, ref expected, ref received);

        // 65533 to 65535, then 0 to 5: nine, of which 0, 3 and 4 are missing. The other stream is of an older window.
        Assert.Equal((1, 9, 6), (streams, expected, received));
    }

    [Fact]
    public void Meter_PacketsOfKnownStreams_AllocateNothing()
    {
        var meter = new StreamMeter();
        var histogram = new LatencyHistogram();
        var packet = Packet(0, 0);
        Count();
        var before = Allocations.Begin();
        Count();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Count()
        {
            for (var i = 0; i < 10_000; i++)
            {
                BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)(i / 20));
                BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), (uint)(i % 20));
                meter.Count(packet, 1, i);
                histogram.Add(i);
            }
        }
    }

    [Fact]
    public void Metrics_PrometheusText_SumsOverLabels()
    {
        var metrics = ServerMetrics.Parse("""
            # TYPE dotnet_process_cpu_time_seconds_total counter
            dotnet_process_cpu_time_seconds_total{cpu_mode="system"} 1.5
            dotnet_process_cpu_time_seconds_total{cpu_mode="user"} 2
            voicecluster_media_rtp_packets_sent_total{worker="0"} 10
            voicecluster_media_rtp_packets_sent_total{worker="1"} 20
            nonsense
            """);

        Assert.Equal(3.5, metrics.CpuSeconds);
        Assert.Equal(30, metrics.RtpSent);
        Assert.True(double.IsNaN(metrics.MemoryBytes));
    }

    [Fact]
    public void Report_UnderLoss_DividesTheServersCostByWhatItSent()
    {
        // 1,000 packets were to come, and the server sent half of them with a second of processor time.
        using var loop = new MediaLoop(new BenchOptions());
        var meter = new StreamMeter();
        for (ushort i = 0; i < 1_000; i += 999)
        {
            meter.Count(Packet(1, i), loop.Figures.Window, arrived: 0);
        }

        loop.Figures.Keep(meter);
        var media = new MediaSum();
        media.Add(loop);
        Assert.Equal(1_000, media.Expected);
        var before = Metrics(cpu: 2, rtpSent: 10_000);
        Assert.Equal(2_000, Report(media, before, Metrics(cpu: 3, rtpSent: 10_500)).ServerMicrosecondsPerPacket, 6);

        var server = Report(media, before, Metrics(cpu: 3, rtpSent: 10_500)).ToJson()["server"]!;
        Assert.Equal((2_000, 500), ((double)server["cpuMicrosecondsPerPacket"]!, (double)server["rtpSent"]!));
        Assert.True(double.IsNaN(Report(media, before, Metrics(cpu: 3, rtpSent: 10_000)).ServerMicrosecondsPerPacket));
        Assert.True(double.IsNaN(Report(media, before, Metrics(cpu: 3, rtpSent: double.NaN)).ServerMicrosecondsPerPacket));

        static BenchReport Report(MediaSum media, ServerMetrics before, ServerMetrics after) =>
            new(new BenchOptions(), media, 1, 1, new JoinFigures(), 0, before, after);

        static ServerMetrics Metrics(double cpu, double rtpSent) => ServerMetrics.Parse(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"dotnet_process_cpu_time_seconds_total {cpu}\nvoicecluster_media_rtp_packets_sent_total {rtpSent}\n"));
    }

    [Fact]
    public void SendTime_WithoutTheMark_IsNotRead()
    {
        var packet = new byte[40];
        Assert.False(PacketSource.TryReadTime(packet, out _));

        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(28), 0x76629A5F);
        BinaryPrimitives.WriteInt64BigEndian(packet.AsSpan(32), 42);
        Assert.True(PacketSource.TryReadTime(packet, out var ticks));
        Assert.Equal(42, ticks);
    }

    [Theory]
    [InlineData(5, 0, "by the kernel")]
    [InlineData(0, 5, "by the program")]
    [InlineData(5, 1, "by the kernel and the program")]
    public void Sum_ArrivalsByEither_SaysWhich(int kernel, int program, string expected)
    {
        using var loop = new MediaLoop(new BenchOptions());
        (loop.Figures.ArrivalsByKernel, loop.Figures.ArrivalsByProgram) = (kernel, program);
        var sum = new MediaSum();
        sum.Add(loop);

        Assert.Equal(expected, sum.Arrival);
    }

    private static byte[] Packet(uint ssrc, ushort sequence)
    {
        var packet = new byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), ssrc);
        return packet;
    }
}
