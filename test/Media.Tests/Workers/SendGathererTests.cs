using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Workers;

public sealed class SendGathererTests
{
    private readonly SendGatherer _gatherer = new();
    private long _now;
    private long _busy;
    private long _datagrams;
    private long _messages;

    [Fact]
    public void Delay_WorkerHasRoom_IsNone()
    {
        Run(milliseconds: 10_000, busyShare: 0.8, datagramsPerMessage: 3);

        Assert.Equal(0, _gatherer.Delay);
    }

    [Fact]
    public void Delay_WorkerAtItsLimit_GrowsToAFrameAndGoesBackWithTheLoad()
    {
        Run(milliseconds: 100, busyShare: 1, datagramsPerMessage: 1);
        Assert.Equal(5_000, _gatherer.Delay);
        Run(milliseconds: 300, busyShare: 0.95, datagramsPerMessage: 2);
        Assert.Equal(20_000, _gatherer.Delay);

        // What it has gained is no reason to leave off.
        Run(milliseconds: 5_000, busyShare: 0.6, datagramsPerMessage: 3);
        Assert.Equal(20_000, _gatherer.Delay);

        Run(milliseconds: 100, busyShare: 0.4, datagramsPerMessage: 3);
        Assert.Equal(10_000, _gatherer.Delay);
        Run(milliseconds: 300, busyShare: 0.2, datagramsPerMessage: 1);
        Assert.Equal(0, _gatherer.Delay);
    }

    [Fact]
    public void Delay_SpeakersPauseForAMoment_Stays()
    {
        Run(milliseconds: 500, busyShare: 1, datagramsPerMessage: 2);
        Run(milliseconds: 800, busyShare: 1, datagramsPerMessage: 1);
        Run(milliseconds: 500, busyShare: 1, datagramsPerMessage: 2);

        Assert.Equal(20_000, _gatherer.Delay);
    }

    [Fact]
    public void Delay_PacketsThatCannotLeaveTogether_IsTriedEverMoreSeldom()
    {
        var delayed = 0;
        for (var i = 0; i < 60_000; i++)
        {
            Run(milliseconds: 1, busyShare: 1, datagramsPerMessage: 1);
            delayed += _gatherer.Delay > 0 ? 1 : 0;
        }

        // At once and after 2, 4, 8 and 16 seconds of rest: five attempts of a second in a minute.
        Assert.InRange(delayed, 4_800, 5_200);
    }

    private void Run(int milliseconds, double busyShare, int datagramsPerMessage)
    {
        for (var i = 0; i < milliseconds; i++)
        {
            _now += 1_000;
            _busy += (long)(1_000 * busyShare);
            _messages += 100;
            _datagrams += 100 * datagramsPerMessage;
            _gatherer.Observe(_now, _busy, _datagrams, _messages);
        }
    }
}
