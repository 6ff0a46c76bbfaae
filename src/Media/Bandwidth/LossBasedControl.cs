namespace VoiceCluster.Media.Bandwidth;

/// <summary>
/// The rate that losses allow (draft-ietf-rmcat-gcc-02 §6): lower by half the share lost above a tenth, higher by 5 % below a
/// fiftieth, else as it was.
/// </summary>
internal sealed class LossBasedControl(long minimum, long maximum)
{
    private const double HighLoss = 0.10;
    private const double LowLoss = 0.02;
    private const double Raise = 1.05;

    /// <summary>µs and packets over which losses are judged: late ones have come by then.</summary>
    private const long Interval = 300_000;
    private const int MinPackets = 20;

    private long _since = -1;
    private int _reported;
    private int _lost;

    /// <summary>Bits a second.</summary>
    public double Bitrate { get; private set; } = maximum;

    /// <summary>A packet was reported for the first time.</summary>
    public void OnReported(bool isLost)
    {
        _reported++;
        _lost += isLost ? 1 : 0;
    }

    /// <summary>A packet that had been reported lost was only late.</summary>
    public void OnLate() => _lost--;

    /// <summary>Judges when it is time to. <paramref name="estimate"/> is what is allowed now.</summary>
    public void Update(double estimate, long acknowledged, long now)
    {
        _since = _since < 0 ? now : _since;
        if (now - _since < Interval || _reported < MinPackets)
        {
            return;
        }

        var loss = Math.Max(0, _lost) / (double)_reported;
        if (loss > HighLoss)
        {
            // What arrives in spite of the losses is a floor: one burst lost says nothing about less than that.
            Bitrate = Math.Min(Bitrate, Math.Max(Math.Min(Bitrate, estimate) * (1 - (0.5 * loss)), 0.85 * acknowledged));
        }
        else if (loss < LowLoss)
        {
            Bitrate *= Raise;
        }

        Bitrate = Math.Clamp(Bitrate, minimum, maximum);
        (_since, _reported, _lost) = (now, 0, 0);
    }

    /// <summary>Takes a rate that has been shown to arrive.</summary>
    public void AtLeast(double bitrate) => Bitrate = Math.Clamp(Math.Max(Bitrate, bitrate), minimum, maximum);
}
