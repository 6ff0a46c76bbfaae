namespace VoiceCluster.Media.Bandwidth;

/// <summary>What the delay says about the way to a receiver.</summary>
internal enum BandwidthUsage
{
    Normal = 0,

    /// <summary>A queue is emptying.</summary>
    Under,

    /// <summary>A queue is growing.</summary>
    Over,
}

/// <summary>
/// The slope of the one-way delay over the last groups, compared with a threshold that adapts to the network's own noise:
/// draft-ietf-rmcat-gcc-02 §5.4 and §5.5, with a least-squares line in place of the Kalman filter, as WebRTC has had it since 2016.
/// </summary>
internal sealed class TrendlineEstimator
{
    /// <summary>Groups that the line is fitted to.</summary>
    private const int Window = 20;

    /// <summary>Share of the old value in the smoothed delay.</summary>
    private const double Smoothing = 0.9;

    /// <summary>From the slope to the threshold's scale.</summary>
    private const double Gain = 4;

    /// <summary>Groups up to which the slope counts the more the more groups there were.</summary>
    private const int MaxWeight = 60;

    /// <summary>Milliseconds; §5.5 gives 12.5 as the first threshold and 6 and 600 as its bounds.</summary>
    private const double FirstThreshold = 12.5;
    private const double MinThreshold = 6;
    private const double MaxThreshold = 600;

    /// <summary>§5.5: how fast the threshold follows, a millisecond; slower up than down.</summary>
    private const double RiseOfThreshold = 0.0087;
    private const double FallOfThreshold = 0.039;

    /// <summary>Milliseconds beyond the threshold at which a slope is a leap and not noise to adapt to (§5.5).</summary>
    private const double Leap = 15;

    /// <summary>Milliseconds for which the slope must be too steep (§5.5, overuse_time_th).</summary>
    private const double OveruseTime = 10;

    private readonly double[] _times = new double[Window];
    private readonly double[] _delays = new double[Window];
    private long _firstArrival = -1;
    private long _lastUpdate = -1;
    private int _count;
    private double _accumulated;
    private double _smoothed;
    private double _threshold = FirstThreshold;
    private double _previousTrend;
    private double _overFor = -1;
    private int _overGroups;

    public BandwidthUsage Usage { get; private set; }

    /// <summary>Takes the next comparison of groups; <paramref name="arrival"/> is by the receiver's clock.</summary>
    public void Update(in GroupDelta delta, long arrival)
    {
        _firstArrival = _firstArrival < 0 ? arrival : _firstArrival;
        _accumulated += (delta.Arrived - delta.Sent) / 1_000d;
        _smoothed = (Smoothing * _smoothed) + ((1 - Smoothing) * _accumulated);
        var place = _count++ % Window;
        _times[place] = (arrival - _firstArrival) / 1_000d;
        _delays[place] = _smoothed;
        var trend = _count >= Window ? Slope(_previousTrend) : _previousTrend;
        Detect(trend, delta.Sent / 1_000d, arrival);
    }

    private double Slope(double otherwise)
    {
        var (meanTime, meanDelay) = (0d, 0d);
        for (var i = 0; i < Window; i++)
        {
            meanTime += _times[i] / Window;
            meanDelay += _delays[i] / Window;
        }

        var (numerator, denominator) = (0d, 0d);
        for (var i = 0; i < Window; i++)
        {
            numerator += (_times[i] - meanTime) * (_delays[i] - meanDelay);
            denominator += (_times[i] - meanTime) * (_times[i] - meanTime);
        }

        return denominator == 0 ? otherwise : numerator / denominator;
    }

    private void Detect(double trend, double sentDelta, long now)
    {
        var modified = Math.Min(_count, MaxWeight) * trend * Gain;
        if (_count < 2)
        {
            return;
        }

        if (modified > _threshold)
        {
            _overFor = _overFor < 0 ? sentDelta / 2 : _overFor + sentDelta;
            _overGroups++;
            if (_overFor > OveruseTime && _overGroups > 1 && trend >= _previousTrend)
            {
                (_overFor, _overGroups) = (0, 0);
                Usage = BandwidthUsage.Over;
            }
        }
        else
        {
            (_overFor, _overGroups) = (-1, 0);
            Usage = modified < -_threshold ? BandwidthUsage.Under : BandwidthUsage.Normal;
        }

        _previousTrend = trend;
        Adapt(Math.Abs(modified), now);
    }

    private void Adapt(double modified, long now)
    {
        var elapsed = _lastUpdate < 0 ? 0 : Math.Clamp((now - _lastUpdate) / 1_000d, 0, 100);
        _lastUpdate = now;
        if (modified > _threshold + Leap)
        {
            return;
        }

        var speed = modified < _threshold ? FallOfThreshold : RiseOfThreshold;
        _threshold = Math.Clamp(_threshold + (speed * (modified - _threshold) * elapsed), MinThreshold, MaxThreshold);
    }
}
