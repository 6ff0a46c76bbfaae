using System.Buffers.Binary;
using VoiceCluster.LoadTest.Media;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.LoadTest.Tests.Media;

public sealed class ClientReportsTests
{
    private const long Start = 10_000_000;

    private readonly byte[] _buffer = new byte[RtcpWriter.MaxLength];

    [Theory]
    [InlineData(false, 5_000_000)]
    [InlineData(true, 1_000_000)]
    public void Due_EachReport_ComesWithinHalfAnIntervalOfIt(bool video, long interval)
    {
        var reports = new ClientReports(video);
        Assert.Equal(long.MaxValue, reports.Due);

        reports.Begin(Start);
        Assert.InRange(reports.Due, Start, Start + interval);
        for (var i = 0; i < 100; i++)
        {
            reports.Write(_buffer, [], new StreamMeter(), Start);
            Assert.InRange(reports.Due, Start + (interval / 2), Start + (interval * 3 / 2));
        }
    }

    [Fact]
    public void Write_NothingSentOrReceived_IsNothing() =>
        Assert.Equal(0, new ClientReports(video: false).Write(_buffer, [PacketSource.Audio(5, new BenchOptions())], new StreamMeter(), Start));

    [Fact]
    public void Write_Sender_IsASenderReportAndAName()
    {
        var source = PacketSource.Audio(5, new BenchOptions());
        source.Due = Start;
        source.Run(new NoSink(), new LoopFigures(), Start);

        var reader = new RtcpReader(_buffer.AsSpan(0, new ClientReports(video: false).Write(_buffer, [source], new StreamMeter(), Start + 10_000)));

        Assert.True(reader.MoveNext());
        Assert.True(SenderReport.TryRead(reader.Current, out var report));
        Assert.Equal((new Ssrc(5), 480u, 1u, 120u), (report.Ssrc, report.RtpTimestamp, report.PacketCount, report.OctetCount));
        Assert.InRange(report.Ntp.ToUnixMicroseconds(), (MediaLoop.UnixTicks / 10) - 60_000_000, MediaLoop.UnixTicks / 10);
        Assert.True(reader.MoveNext());
        Assert.Equal(RtcpType.SourceDescription, reader.Current.Type);
        Assert.False(reader.MoveNext());
        Assert.False(reader.IsMalformed);
    }

    [Fact]
    public void Write_ReceiverOnly_ReportsEachStreamOnce()
    {
        var meter = new StreamMeter();
        foreach (var sequence in (ushort[])[65_534, 65_535, 1, 2])
        {
            meter.Count(Packet(9, sequence), window: 0, MediaLoop.UnixTicks);
        }

        meter.OnSenderReport(9, new NtpTime(0x1111_2222_3333_4444), MediaLoop.UnixTicks - TimeSpan.TicksPerSecond);
        var reports = new ClientReports(video: false);
        var block = Single(reports.Write(_buffer, [], meter, Start));

        // One of five is missing; the number has gone round once.
        Assert.Equal((new Ssrc(9), (byte)51, 1, 65_538u), (block.Ssrc, block.FractionLost, block.CumulativeLost, block.HighestSequence));
        Assert.Equal(0x2222_3333u, block.LastSenderReport);
        Assert.InRange(block.DelaySinceLastSenderReport, 65_536u, 60u * 65_536);

        // Nothing new, nothing to say; then a new interval, across windows of the measurement, without loss.
        Assert.Equal(0, reports.Write(_buffer, [], meter, Start));
        meter.Count(Packet(9, 3), window: 1, MediaLoop.UnixTicks);
        block = Single(reports.Write(_buffer, [], meter, Start));
        Assert.Equal(((byte)0, 1, 65_539u), (block.FractionLost, block.CumulativeLost, block.HighestSequence));
    }

    [Fact]
    public void Write_FortyStreams_TakesTwoReports()
    {
        var meter = new StreamMeter();
        for (uint ssrc = 0; ssrc < 40; ssrc++)
        {
            meter.Count(Packet(100 + ssrc, 1), window: 0, MediaLoop.UnixTicks);
        }

        var reports = new ClientReports(video: false);
        var first = Blocks(reports.Write(_buffer, [], meter, Start));
        var second = Blocks(reports.Write(_buffer, [], meter, Start));

        Assert.Equal((31, 9), (first.Count, second.Count));
        Assert.Equal(40, first.Concat(second).Select(b => b.Ssrc).Distinct().Count());
    }

    [Theory]
    [InlineData(48_000, 960)]
    [InlineData(90_000, 1_800)]
    public void Jitter_LateByTurns_IsMeasuredByTheStreamsClock(int clock, int step)
    {
        var meter = new StreamMeter();
        meter.SetClock(9, clock);
        for (var i = 0; i < 1_000; i++)
        {
            // Each second packet comes 5 ms late.
            meter.Count(Packet(9, (ushort)i, (uint)(i * step)), window: 0, 1_000_000_000 + (i * 200_000L) + (i % 2 * 50_000));
        }

        var block = Single(new ClientReports(video: false).Write(_buffer, [], meter, Start));

        Assert.InRange(block.Jitter, clock * 0.0049, clock * 0.0051);
    }

    [Fact]
    public void Write_Reports_AllocateNothing()
    {
        var meter = new StreamMeter();
        var source = PacketSource.Audio(5, new BenchOptions());
        source.Due = Start;
        source.Run(new NoSink(), new LoopFigures(), Start);
        PacketSource[] sources = [source];
        var packet = Packet(9, 1);
        var reports = new ClientReports(video: false);
        Write(1);
        var before = Allocations.Begin();
        Write(2);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Write(byte round)
        {
            for (var i = 0; i < 100; i++)
            {
                BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)((round * 100) + i));
                meter.Count(packet, window: 0, i);
                reports.Write(_buffer, sources, meter, Start);
            }
        }
    }

    private static byte[] Packet(uint ssrc, ushort sequence, uint timestamp = 0)
    {
        var packet = new byte[12];
        packet[0] = 0x80;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), ssrc);
        return packet;
    }

    private ReportBlock Single(int length) => Assert.Single(Blocks(length));

    /// <summary>The blocks of an RR that a client without streams of its own has written.</summary>
    private List<ReportBlock> Blocks(int length)
    {
        var reader = new RtcpReader(_buffer.AsSpan(0, length));
        Assert.True(reader.MoveNext());
        Assert.Equal(RtcpType.ReceiverReport, reader.Current.Type);
        Assert.Equal(new Ssrc(1), reader.Current.Sender);
        List<ReportBlock> blocks = [];
        for (var block = reader.Current.ReportBlocks; block.MoveNext();)
        {
            blocks.Add(block.Current);
        }

        return blocks;
    }

    private sealed class NoSink : IRtpSink
    {
        public void SendRtp(ReadOnlySpan<byte> packet)
        {
        }
    }
}
