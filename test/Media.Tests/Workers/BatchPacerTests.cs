using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Workers;

public sealed class BatchPacerTests
{
    private readonly BatchPacer _pacer = new();
    private long _now;
    private long _busy;
    private long _datagrams;
    private long _messages;

    [Fact]
    public void Pacing_IdleWorker_NeverBegins()
    {
        Run(milliseconds: 1_000, busyShare: 0.25, datagramsPerMessage: 3);

        Assert.False(_pacer.IsPacing);
        Assert.Equal(0, Next(received: 5));
    }

    [Fact]
    public void Pacing_BusyWorker_PausesUntilItIsIdle()
    {
        Run(milliseconds: 100, busyShare: 0.8, datagramsPerMessage: 2);
        Assert.True(_pacer.IsPacing);
        Assert.Equal(BatchPacer.Pause, Next(received: 5));

        // Packets leave together, so the same work takes a third of the time: that is no reason to leave off.
        Run(milliseconds: 1_000, busyShare: 0.27, datagramsPerMessage: 4);
        Assert.True(_pacer.IsPacing);

        Run(milliseconds: 100, busyShare: 0.05, datagramsPerMessage: 4);
        Assert.False(_pacer.IsPacing);
    }

    [Fact]
    public void Pacing_PacketsThatCannotLeaveTogether_IsTriedEverMoreSeldom()
    {
        var paced = 0;
        for (var i = 0; i < 40_000; i++)
        {
            Run(milliseconds: 1, busyShare: 0.9, datagramsPerMessage: 1);
            paced += _pacer.IsPacing ? 1 : 0;
        }

        // After 1, 2, 4, 8 and 16 seconds: six attempts of one window of 20 ms in forty seconds.
        Assert.InRange(paced, 100, 140);
    }

    [Theory]
    [InlineData(0, BatchPacer.Pause)]
    [InlineData(8, BatchPacer.Pause)]
    [InlineData(64, 0)]
    public void Pacing_PlentyReceived_DoesNotPause(int received, long pause)
    {
        Run(milliseconds: 60, busyShare: 0.9, datagramsPerMessage: 3);

        Assert.True(_pacer.IsPacing);
        Assert.Equal(pause, Next(received));
    }

    private long Next(int received) => _pacer.Next(_now, _busy, _datagrams, _messages, received);

    private void Run(int milliseconds, double busyShare, int datagramsPerMessage)
    {
        for (var i = 0; i < milliseconds; i++)
        {
            _now += 1_000;
            _busy += (long)(1_000 * busyShare);
            _messages += 100;
            _datagrams += 100 * datagramsPerMessage;
            Next(received: 3);
        }
    }
}
