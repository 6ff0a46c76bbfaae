namespace VoiceCluster.Media.Bandwidth;

/// <summary>What arrived when the way was full: a mean and a deviation, by which the rate control knows that it is near the limit (draft-ietf-rmcat-gcc-02 §5.6).</summary>
internal sealed class LinkCapacity
{
    /// <summary>Weight of a new sample; §5.6 recommends 0.95 for the old.</summary>
    private const double Weight = 0.05;

    // Normalised variance, of kbit/s; its bounds keep three deviations between 5 and 15 % of 500 kbit/s.
    private double _variance = 0.4;

    public bool HasEstimate => Estimate > 0;

    /// <summary>kbit/s; 0 while unknown.</summary>
    public double Estimate { get; private set; }

    public double Upper => HasEstimate ? Estimate + Deviations : double.MaxValue;

    public double Lower => HasEstimate ? Math.Max(0, Estimate - Deviations) : 0;

    /// <summary>§5.6: three standard deviations.</summary>
    private double Deviations => 3 * Math.Sqrt(_variance * Estimate);

    public void Reset() => Estimate = 0;

    public void OnFull(long acknowledged)
    {
        var sample = acknowledged / 1_000d;
        Estimate = HasEstimate ? ((1 - Weight) * Estimate) + (Weight * sample) : sample;
        var error = Estimate - sample;
        _variance = Math.Clamp(((1 - Weight) * _variance) + (Weight * error * error / Math.Max(1, Estimate)), 0.4, 2.5);
    }
}
