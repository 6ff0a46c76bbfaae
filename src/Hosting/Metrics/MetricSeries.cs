namespace VoiceCluster.Hosting.Metrics;

/// <summary>The numbers of one instrument and one set of tags.</summary>
internal sealed class MetricSeries(double[]? bounds)
{
    private readonly Lock _gate = new();
    private readonly long[] _counts = bounds is null ? [] : new long[bounds.Length + 1];
    private double _value;
    private double _sum;
    private bool _hasValue;

    /// <summary>False for an observed series that was not observed this time.</summary>
    public bool HasValue => Volatile.Read(ref _hasValue);

    /// <summary>The counter's or gauge's value.</summary>
    public double Value
    {
        get
        {
            lock (_gate)
            {
                return _value;
            }
        }
    }

    /// <summary>Takes one measurement.</summary>
    public void Record(MetricKind kind, double value)
    {
        lock (_gate)
        {
            _hasValue = true;
            switch (kind)
            {
                case MetricKind.CounterDelta or MetricKind.GaugeDelta:
                    _value += value;
                    break;
                case MetricKind.Histogram:
                    var index = Array.BinarySearch(bounds!, value);
                    _counts[index < 0 ? ~index : index]++;
                    _sum += value;
                    break;
                default:
                    _value = value;
                    break;
            }
        }
    }

    /// <summary>Marks the series as not observed.</summary>
    public void Forget() => Volatile.Write(ref _hasValue, false);

    /// <summary>A consistent copy of the histogram.</summary>
    public (long[] Counts, double Sum) ReadBuckets()
    {
        lock (_gate)
        {
            return ([.. _counts], _sum);
        }
    }
}
