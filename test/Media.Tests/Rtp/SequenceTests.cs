using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Rtp;

public class SequenceTests
{
    [Fact]
    public void ExtendedSequence_Wrap_GoesOn()
    {
        var sequence = default(ExtendedSequence);
        sequence.Update(new SequenceNumber(65535), out var first);
        sequence.Update(new SequenceNumber(0), out var second);
        sequence.Update(new SequenceNumber(65534), out var late);
        Assert.Equal(first + 1, second);
        Assert.Equal(first - 1, late);
        Assert.Equal(second, sequence.Highest);
    }

    [Fact]
    public void ExtendedSequence_OneWildNumber_IsSuspectAndForgotten()
    {
        var sequence = default(ExtendedSequence);
        sequence.Update(new SequenceNumber(100), out var first);
        Assert.Equal(SequenceVerdict.Suspect, sequence.Update(new SequenceNumber(30000), out _));
        Assert.Equal(SequenceVerdict.Accepted, sequence.Update(new SequenceNumber(101), out var next));
        Assert.Equal(first + 1, next);
    }

    [Fact]
    public void ExtendedSequence_TwoInARowAfterAJump_IsARestartThatGrows()
    {
        var sequence = default(ExtendedSequence);
        sequence.Update(new SequenceNumber(50000), out var before);
        sequence.Update(new SequenceNumber(10), out _);
        Assert.Equal(SequenceVerdict.Restarted, sequence.Update(new SequenceNumber(11), out var after));
        Assert.True(after > before);
    }

    [Fact]
    public void Munger_LossAndLateArrival_LateTakesItsOwnPlace()
    {
        var munger = new SequenceMunger(1);
        Assert.True(munger.TryMap(1000, out var a));
        Assert.True(munger.TryMap(1002, out var c));
        Assert.True(munger.TryMap(1001, out var b));
        Assert.Equal(1, (ushort)a);
        Assert.Equal([a + 1, a + 2], [b, c]);
    }

    [Fact]
    public void Munger_OutgoingNumbers_AreFoundAgain()
    {
        var munger = new SequenceMunger(65_530, SequenceMunger.AudioWindow);
        var outputs = new Dictionary<long, long>();
        for (var source = 1_000L; source < 1_300; source++)
        {
            if (source % 7 == 0)
            {
                munger.TryDrop(source);
            }
            else if (munger.TryMap(source, out var output))
            {
                outputs.Add(source, output);
            }
        }

        foreach (var (source, output) in outputs)
        {
            // Of an older one while the packet that would have its place was left out.
            var isThere = source + SequenceMunger.AudioWindow >= 1_300 || (source + SequenceMunger.AudioWindow) % 7 == 0;
            Assert.Equal(isThere, munger.TryFindSource(output, out var found));
            Assert.Equal(isThere ? source : 0, found);
        }

        Assert.False(munger.TryFindSource(munger.HighestOutput + 1, out _));
        munger.Resync();
        Assert.False(munger.TryFindSource(munger.HighestOutput, out _));
    }

    [Fact]
    public void Munger_DroppedPackets_LeaveNoGap()
    {
        var munger = new SequenceMunger(1);
        munger.TryMap(10, out var a);
        Assert.True(munger.TryDrop(11));
        Assert.True(munger.TryDrop(12));
        munger.TryMap(13, out var b);
        Assert.Equal(a + 1, b);
        Assert.False(munger.TryMap(11, out _));
    }

    [Fact]
    public void Munger_DropOfLatePacketWhosePlaceExists_IsRefused()
    {
        var munger = new SequenceMunger(1);
        munger.TryMap(10, out _);
        munger.TryMap(12, out _);
        Assert.False(munger.TryDrop(11));
    }

    [Fact]
    public void Munger_Resync_ContinuesWithoutGapAndRefusesThePast()
    {
        var munger = new SequenceMunger(65535);
        munger.TryMap(10, out var a);
        munger.Resync();
        munger.TryMap(500, out var b);
        Assert.Equal(a + 1, b);
        Assert.Equal(0, (ushort)b);
        Assert.False(munger.TryMap(499, out _));
    }

    [Fact]
    public void Munger_GapBeyondTheWindow_IsSeenAsMuchLoss()
    {
        var munger = new SequenceMunger(1);
        munger.TryMap(10, out var a);
        munger.TryMap(10 + 2500, out var b);
        Assert.Equal(a + 2500, b);
    }
}
