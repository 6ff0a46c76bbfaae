using System.Buffers.Binary;
using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Tests.Simulation;

namespace VoiceCluster.Media.Tests.Bandwidth;

/// <summary>A sender that fills what it is allowed, a link with a queue, and a receiver that reports, in virtual time.</summary>
public class SendSideEstimatorTests
{
    private const long Second = 1_000_000;

    private readonly SendSideEstimator _estimator = new();
    private readonly TransportFeedbackGenerator _receiver = new();
    private readonly BottleneckLink _down = new(20_000, 500_000);
    private readonly BottleneckLink _up = new(20_000, 500_000) { Rate = 100_000_000 };
    private readonly byte[] _buffer = new byte[1_500];
    private long _now = 10 * Second;
    private ushort _number = 65_000;
    private double _credit;
    private long _feedbackAt;
    private Random? _loss;

    [Fact]
    public void Estimate_LinkFallsAndRises_FollowsFromBelowWithoutALastingQueue()
    {
        _estimator.Probes.Wanted = 4_000_000;
        Run(10 * Second, 4_000_000);
        Assert.InRange(_estimator.Estimate, 0.75 * 3_000_000, 3_000_000);

        _down.Rate = 300_000;
        Run(3 * Second, 4_000_000);
        Assert.InRange(_estimator.Estimate, 0.75 * 300_000, 300_000);

        // The fall has filled the queue, which takes its time to empty at this rate; what is left after that would last.
        Run(3 * Second, 4_000_000);
        var queue = Average(5 * Second, () => _down.QueueDelay, 4_000_000);
        Assert.True(queue < 100_000, $"a packet waits {queue} µs");

        _down.Rate = 1_500_000;
        Run(8 * Second, 4_000_000);
        Assert.InRange(_estimator.Estimate, 0.75 * 1_500_000, 1_500_000);
        queue = Average(5 * Second, () => _down.QueueDelay, 4_000_000);
        Assert.True(queue < 100_000, $"a packet waits {queue} µs");
    }

    [Fact]
    public void Estimate_SenderHasLittleAndNothingMoreIsWanted_NeitherProbesNorFalls()
    {
        Run(10 * Second, 200_000);
        Assert.Equal(0, _estimator.Probes.Number);
        Assert.True(_estimator.Estimate >= SendSideEstimator.FirstEstimate, $"{_estimator.Estimate}");
    }

    [Fact]
    public void Estimate_MoreIsWantedThanSent_RisesByProbesAlone()
    {
        _estimator.Probes.Wanted = 2_000_000;
        Run(5 * Second, 200_000);
        Assert.InRange(_estimator.Estimate, 2_000_000, 2_600_000);
        Assert.InRange(_estimator.Probes.Number, 2, 5);
        var sent = _down.Passed;
        Run(5 * Second, 200_000);

        // What is wanted is there: no padding any more.
        Assert.InRange((_down.Passed - sent) * 8 / 5, 180_000, 220_000);
    }

    [Fact]
    public void Estimate_OnePacketInFiveIsLost_FallsWellBelowTheLink()
    {
        _estimator.Probes.Wanted = 4_000_000;
        Run(10 * Second, 4_000_000);
        _loss = new Random(3);
        Run(8 * Second, 4_000_000);
        Assert.True(_estimator.Estimate < 0.6 * 3_000_000, $"{_estimator.Estimate}");
    }

    [Fact]
    public void Feedback_RunningForLong_AllocatesNothing()
    {
        _estimator.Probes.Wanted = 1_000_000;
        Span<byte> feedback = stackalloc byte[1_500];

        // Long enough that every path has run and been compiled for good.
        Round(feedback, 40_000);
        var before = Allocations.Begin();
        Round(feedback, 20_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void Round(Span<byte> feedback, int count)
    {
        for (var i = 0; i < count; i++)
        {
            _now += 5_000;
            _estimator.TryBeginProbe(_now);
            _estimator.OnSent(_number, 1_000, _now);
            _receiver.OnPacket(_number++, new Ssrc(1), _now);
            if (i % 20 == 19)
            {
                var writer = new RtcpWriter(feedback);
                _receiver.TryWrite(ref writer, new Ssrc(2));
                Report(feedback[..writer.Length]);
            }
        }
    }

    private double Average(long duration, Func<double> value, double demand)
    {
        var (sum, count) = (0d, 0);
        for (var end = _now + duration; _now < end; count++)
        {
            Tick(demand);
            sum += value();
        }

        return sum / count;
    }

    private void Run(long duration, double demand)
    {
        for (var end = _now + duration; _now < end;)
        {
            Tick(demand);
        }
    }

    private void Tick(double demand)
    {
        _now += 1_000;
        _credit += Math.Min(demand, _estimator.Estimate) / 8_000;
        while (_credit >= 1_000)
        {
            _credit -= 1_000;
            Send(1_000);
        }

        _estimator.TryBeginProbe(_now);
        while (_estimator.Probes.IsDue(_now))
        {
            Send(500);
        }

        while (_down.TryReceive(_now, out var packet, out _))
        {
            if (_loss is null || _loss.Next(5) != 0)
            {
                _receiver.OnPacket(BinaryPrimitives.ReadUInt16BigEndian(packet), new Ssrc(1), _now);
            }
        }

        if (_now >= _feedbackAt)
        {
            _feedbackAt = _now + TransportFeedbackGenerator.Interval;
            while (_receiver.IsDue)
            {
                var writer = new RtcpWriter(_buffer);
                Assert.True(_receiver.TryWrite(ref writer, new Ssrc(2)));
                _up.Send(_buffer.AsSpan(0, writer.Length), true, _now);
            }
        }

        while (_up.TryReceive(_now, out var feedback, out _))
        {
            Report(feedback);
        }
    }

    private void Send(int size)
    {
        var packet = new byte[size];
        BinaryPrimitives.WriteUInt16BigEndian(packet, _number);
        _estimator.OnSent(_number++, size, _now);
        _down.Send(packet, false, _now);
    }

    private void Report(ReadOnlySpan<byte> compound)
    {
        var reader = new RtcpReader(compound);
        while (reader.MoveNext())
        {
            Assert.True(TransportFeedbackReader.TryParse(reader.Current.FeedbackControl, out var feedback));
            _estimator.OnFeedback(feedback, _now);
        }
    }
}
