using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Rtp;

public class OpusSilenceTests
{
    private static readonly byte[] Sound = [0x78, 1, 2, 3];
    private static readonly byte[] Dtx = [0x78];

    private OpusSilence _silence;

    [Fact]
    public void Sound_IsAlwaysTaken_AndBeginsNothing()
    {
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal((true, false), Take(i, Sound));
        }
    }

    [Fact]
    public void Silence_FirstPacketAndOneEach400Milliseconds_AreTaken()
    {
        Take(99, Sound);
        long[] taken = [.. Enumerable.Range(100, 60).Where(i => Take(i, Dtx).Taken)];
        Assert.Equal([100, 120, 140], taken);
    }

    [Fact]
    public void SoundAfterSilence_Begins_OnceAndOnlyWhereSomethingWasLeftOut()
    {
        Take(0, Sound);
        Take(1, Dtx);
        Assert.Equal((true, false), Take(2, Sound));
        Take(3, Dtx);
        Assert.Equal((false, false), Take(4, Dtx));
        Assert.Equal((true, true), Take(5, Sound));
        Assert.Equal((true, false), Take(6, Sound));
    }

    [Fact]
    public void TwoBytes_AreSilenceToo()
    {
        Take(0, Sound);
        Assert.True(Take(1, [0x78, 0]).Taken);
        Assert.False(Take(2, [0x78, 0]).Taken);
    }

    [Fact]
    public void LatePacket_IsTaken_BecauseItsNumberIsCountedWith()
    {
        Take(0, Sound);
        Take(1, Dtx);
        Take(3, Dtx);
        Assert.True(Take(2, Dtx).Taken);
        Assert.False(Take(4, Dtx).Taken);
    }

    [Fact]
    public void SilenceFromTheFirstPacketOn_IsToldOnce()
    {
        Assert.True(Take(7, Dtx).Taken);
        Assert.False(Take(8, Dtx).Taken);
    }

    [Fact]
    public void Timestamps_WrapAround()
    {
        uint near = uint.MaxValue - 2_000;
        Assert.True(_silence.Takes(0, near, Dtx, out _));
        Assert.False(_silence.Takes(1, unchecked(near + 19_199), Dtx, out _));
        Assert.True(_silence.Takes(2, unchecked(near + 19_200), Dtx, out _));
    }

    private (bool Taken, bool Begins) Take(int sequence, byte[] payload)
    {
        var taken = _silence.Takes(sequence, (uint)(sequence * 960), payload, out var begins);
        return (taken, begins);
    }
}
