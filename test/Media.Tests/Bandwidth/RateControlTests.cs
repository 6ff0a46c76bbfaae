using VoiceCluster.Media.Bandwidth;

namespace VoiceCluster.Media.Tests.Bandwidth;

/// <summary>The estimator's parts, each by itself.</summary>
public class RateControlTests
{
    private const long Millisecond = 1_000;

    [Fact]
    public void Groups_FramesOfThreePackets_AreComparedAsWholes()
    {
        var groups = new PacketGroups();
        var deltas = new List<GroupDelta>();
        for (var frame = 0; frame < 4; frame++)
        {
            for (var packet = 0; packet < 3; packet++)
            {
                // Sent within 2 ms, delivered 10 ms apart.
                var sent = (frame * 33 * Millisecond) + (packet * Millisecond);
                if (groups.OnPacket(sent, 500_000 + (frame * 40 * Millisecond) + (packet * 10 * Millisecond), out var delta))
                {
                    deltas.Add(delta);
                }
            }
        }

        Assert.Equal([new GroupDelta(33 * Millisecond, 40 * Millisecond), new GroupDelta(33 * Millisecond, 40 * Millisecond)], deltas);
    }

    [Fact]
    public void Groups_PacketsLetGoInABurst_AreOneGroup()
    {
        var groups = new PacketGroups();
        for (var i = 0; i < 5; i++)
        {
            Assert.False(groups.OnPacket(i * 20 * Millisecond, 900_000 + (i * 100), out _));
        }
    }

    [Theory]
    [InlineData(0, nameof(BandwidthUsage.Normal))]
    [InlineData(3, nameof(BandwidthUsage.Over))]
    [InlineData(-3, nameof(BandwidthUsage.Under))]
    public void Trendline_DelayThatChangesSteadily_IsTold(int millisecondsAGroup, string expected)
    {
        var trend = new TrendlineEstimator();
        var arrival = 1_000_000L;
        for (var i = 0; i < 60; i++)
        {
            var delta = new GroupDelta(20 * Millisecond, (20 + millisecondsAGroup) * Millisecond);
            trend.Update(delta, arrival += delta.Arrived);
        }

        Assert.Equal(expected, trend.Usage.ToString());
    }

    [Fact]
    public void Trendline_Jitter_IsNoOveruse()
    {
        var trend = new TrendlineEstimator();
        var random = new Random(1);
        var (arrival, jitter) = (1_000_000L, 0L);
        for (var i = 0; i < 1_000; i++)
        {
            var next = random.NextInt64(0, 5 * Millisecond);
            trend.Update(new GroupDelta(20 * Millisecond, (20 * Millisecond) + next - jitter), arrival += (20 * Millisecond) + next - jitter);
            jitter = next;
            Assert.NotEqual(BandwidthUsage.Over, trend.Usage);
        }
    }

    [Fact]
    public void Aimd_Overuse_GoesTo85PercentOfWhatArrivesAndThenRisesSlowly()
    {
        var control = new AimdRateControl(1_000_000, 30_000, 10_000_000);
        Assert.True(control.Update(BandwidthUsage.Over, 500_000, long.MaxValue, 50_000, 1_000_000));
        Assert.Equal(425_000, control.Bitrate);
        Assert.False(control.Update(BandwidthUsage.Under, 425_000, long.MaxValue, 50_000, 1_100_000));
        Assert.Equal(425_000, control.Bitrate);
        for (var now = 1_200_000L; now < 3_200_000; now += 100_000)
        {
            control.Update(BandwidthUsage.Normal, 430_000, long.MaxValue, 50_000, now);
        }

        // Near the limit by a packet or so in a response time, not by 8 % a second.
        Assert.InRange(control.Bitrate, 430_000, 495_000);
    }

    [Fact]
    public void Aimd_LittleIsSent_DoesNotRiseFarAboveIt()
    {
        var control = new AimdRateControl(100_000, 30_000, 10_000_000);
        for (var now = 0L; now < 60_000_000; now += 100_000)
        {
            control.Update(BandwidthUsage.Normal, 100_000, long.MaxValue, 50_000, now);
        }

        Assert.InRange(control.Bitrate, 150_000, 160_000);
    }

    [Theory]
    [InlineData(1, 1_050_000)]
    [InlineData(5, 1_000_000)]
    [InlineData(20, 900_000)]
    public void Loss_SharesOfTheDraft_RaiseHoldAndLower(int percent, int expected)
    {
        var control = new LossBasedControl(30_000, 10_000_000);
        control.Update(1_000_000, 0, 0);
        for (var i = 0; i < 100; i++)
        {
            control.OnReported(isLost: i < 20);
        }

        // 20 % of 1,111,111 bits a second: a tenth less is a million, from where the cases begin.
        control.Update(1_000_000 / 0.9, 0, 1_000_000);
        Assert.Equal(1_000_000, control.Bitrate, 1.0);
        for (var i = 0; i < 100; i++)
        {
            control.OnReported(isLost: i < percent);
        }

        control.Update(control.Bitrate, 0, 2_000_000);
        Assert.Equal(expected, control.Bitrate, 2.0);
    }

    [Fact]
    public void Loss_PacketsThatWereOnlyLate_DoNotCount()
    {
        var control = new LossBasedControl(30_000, 10_000_000);
        control.Update(1_000_000, 0, 0);
        for (var i = 0; i < 100; i++)
        {
            control.OnReported(isLost: i < 50);
        }

        for (var i = 0; i < 50; i++)
        {
            control.OnLate();
        }

        control.Update(1_000_000, 0, 1_000_000);
        Assert.Equal(10_000_000, control.Bitrate);
    }

    [Theory]
    [InlineData(1, 1_000_000, false)]
    [InlineData(2, 475_000, true)]
    public void Probe_PacketsThatComeSlowerThanTheyWereSent_ShowTheLimit(int stretch, int expected, bool limit)
    {
        var probe = new ProbeResult();
        probe.Begin(1);
        for (var i = 0; i < 10; i++)
        {
            probe.OnSent();
        }

        for (var i = 0; i < 10; i++)
        {
            Assert.False(i < 8 && probe.TryTake(out _, out _));
            probe.OnArrived(new LoggedPacket { Probe = 1, Size = 1_000, SentAt = i * 8 * Millisecond }, 700_000 + (i * 8 * Millisecond * stretch));
        }

        Assert.True(probe.TryTake(out var bitrate, out var isLimit));
        Assert.Equal((expected, limit), ((int)bitrate, isLimit));
    }

    [Fact]
    public void Probes_AfterFailures_ComeLaterAndAfterASuccessAtOnce()
    {
        var probes = new ProbeController { Wanted = 2_000_000, IsUrgent = true };
        Assert.True(probes.TryBegin(500_000, 0));
        Assert.False(probes.TryBegin(500_000, 1_000));
        Assert.Equal(1_000_000, probes.Target);
        probes.OnResult(300_000, 100_000);
        Assert.False(probes.TryBegin(500_000, 1_099_999));
        Assert.True(probes.TryBegin(500_000, 1_100_000));
        probes.OnResult(900_000, 1_200_000);
        Assert.True(probes.TryBegin(900_000, 1_200_000));
        probes.OnResult(1_800_000, 1_300_000);
        Assert.False(probes.TryBegin(2_100_000, 1_300_000));
        Assert.Equal(long.MaxValue, probes.Deadline(2_100_000));
    }

    [Theory]
    [InlineData(0, false, true)]
    [InlineData(30, true, true)]
    [InlineData(-30, false, false)]
    public void Queue_FirstFeedbackThatTellsOfIt_IsBelievedWhenItsPacketsCameOneAfterAnother(int stretchMilliseconds, bool first, bool second)
    {
        var queue = new QueueDelay();
        queue.Update(40_000, 0, 0);
        Assert.Equal(first, queue.Update(200_000, stretchMilliseconds * Millisecond, 100_000));
        Assert.Equal(second, queue.Update(250_000, stretchMilliseconds * Millisecond, 200_000));
        Assert.Equal(100_000, queue.StandsSince);
    }

    [Fact]
    public void Queue_GrowsStandsAndShrinks_IsJudgedByWhatItDoes()
    {
        var queue = new QueueDelay();
        Assert.False(queue.Update(40_000, 0, 0));
        Assert.False(queue.Update(100_000, 0, 100_000));
        Assert.False(queue.Update(200_000, 0, 200_000));
        Assert.True(queue.Update(300_000, 0, 300_000));
        Assert.False(queue.Update(250_000, 0, 400_000));
        Assert.False(queue.Update(250_000, 0, 500_000));
        Assert.True(queue.Update(250_000, 0, 900_000));
        Assert.False(queue.Update(50_000, 0, 1_000_000));

        // A way that has become longer for good is no queue in the end.
        var verdicts = 0;
        for (var now = 2_000_000L; now < 12_000_000; now += 100_000)
        {
            verdicts += queue.Update(400_000, 0, now) ? 1 : 0;
        }

        Assert.InRange(verdicts, 1, 10);
    }

    [Fact]
    public void Log_NumbersThatWrap_AreFoundAndOldOnesAreForgotten()
    {
        var log = new SentPacketLog();
        for (var i = 0; i < 5_000; i++)
        {
            log.Add(unchecked((ushort)(65_000 + i)), i, 0, i);
        }

        Assert.Equal(4_999, log.Find(unchecked((ushort)(65_000 + 4_999))).Size);
        Assert.Equal(1_000, log.Find(unchecked((ushort)(65_000 + 1_000))).Size);
        Assert.Equal(SentPacketState.None, log.Find(unchecked((ushort)(65_000 + 100))).State);
        Assert.Equal(SentPacketState.None, log.Find(unchecked((ushort)(65_000 + 5_000))).State);
    }

    [Fact]
    public void Layers_RatesOfTwoTemporalLayers_AreToldApart()
    {
        var rates = new LayerRates();
        for (var i = 0; i < 100; i++)
        {
            rates.Add(i % 2, 976, i * 50 * Millisecond);
        }

        Assert.True(rates.IsKnown(5_000_000));
        Assert.Equal(80_000, rates.Of(0, 5_000_000), 8_000.0);
        Assert.Equal(80_000, rates.Of(1, 5_000_000), 8_000.0);
        Assert.Equal(0, rates.Of(2, 5_000_000));
    }
}
