using VoiceCluster.LoadTest.Media;

namespace VoiceCluster.LoadTest.Tests.Media;

public sealed class PacketSourceTests
{
    private static readonly BenchOptions Options = new();

    [Fact]
    public void Run_LateFrames_CountAsLag()
    {
        var source = PacketSource.Audio(1, Options);
        var figures = new LoopFigures();
        var sink = new Sink();
        var now = MediaLoop.Now;
        source.Due = now - 50_000;

        source.Run(sink, figures, now);

        // Due 50, 30 and 10 ms ago.
        Assert.Equal(3, sink.Packets);
        Assert.Equal(3, figures.Lag.Count);
        Assert.True(figures.Lag.Max >= 50_000);
        Assert.Equal(0, figures.FramesLeftOut);
        Assert.Equal(now + 10_000, source.Due);
    }

    [Fact]
    public void Run_AfterALongStop_LeavesFramesOutAndSaysSo()
    {
        var source = PacketSource.Audio(1, Options);
        var figures = new LoopFigures();
        var sink = new Sink();
        var now = MediaLoop.Now;
        source.Due = now - 1_000_000;

        source.Run(sink, figures, now);

        Assert.Equal(1, sink.Packets);
        Assert.Equal(50, figures.FramesLeftOut);
    }

    [Fact]
    public void Run_EachPacket_HasTheTimeRightBeforeItsSending()
    {
        var source = PacketSource.Audio(1, Options);
        var sink = new Sink();
        var now = MediaLoop.Now;
        source.Due = now;
        var before = MediaLoop.UnixTicks;

        source.Run(sink, new LoopFigures(), now);

        Assert.InRange(sink.SentAt, before, MediaLoop.UnixTicks);
    }

    [Fact]
    public void Counts_AfterFrames_AreThoseOfASenderReport()
    {
        var source = PacketSource.Video(7, Options with { FramePackets = 4, FrameRate = 50, VideoPayload = 1000 });
        var now = MediaLoop.Now;
        source.Due = now;
        source.Run(new Sink(), new LoopFigures(), now);
        source.Run(new Sink(), new LoopFigures(), now + 20_000);

        Assert.Equal((7u, 8u, 8_000u), (source.Ssrc, source.PacketCount, source.OctetCount));

        // 20 ms are 1,800 ticks of 90 kHz: the second frame's time stamp, and 10 ms on from it.
        Assert.Equal(1_800u, source.TimestampAt(now + 20_000));
        Assert.Equal(2_700u, source.TimestampAt(now + 30_000));
    }

    [Fact]
    public void Run_Frames_AllocateNothing()
    {
        var source = PacketSource.Audio(1, Options with { Lively = true });
        var figures = new LoopFigures();
        var sink = new Sink();
        Run();
        var before = Allocations.Begin();
        Run();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            for (var i = 0; i < 1_000; i++)
            {
                source.Run(sink, figures, source.Due);
            }
        }
    }

    private sealed class Sink : IRtpSink
    {
        public int Packets { get; private set; }

        public long SentAt { get; private set; }

        public void SendRtp(ReadOnlySpan<byte> packet)
        {
            Packets++;
            SentAt = PacketSource.TryReadTime(packet, out var sent) ? sent : 0;
        }
    }
}
