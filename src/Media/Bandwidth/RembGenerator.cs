namespace VoiceCluster.Media.Bandwidth;

/// <summary>
/// The bitrate told to a sender without transport-cc: its cap, lowered when it loses packets and raised slowly when it
/// does not (the loss rule of draft-ietf-rmcat-gcc-02 §6).
/// </summary>
internal sealed class RembGenerator
{
    /// <summary>Of 256: above a tenth the rate falls.</summary>
    private const int HighLoss = 26;

    /// <summary>Of 256: below a fiftieth it rises.</summary>
    private const int LowLoss = 5;

    private readonly RateCounter _rate = new();
    private readonly long _minimum;
    private readonly long _maximum;

    public RembGenerator(long minimum, long maximum)
    {
        _minimum = minimum;
        _maximum = maximum;
        Bitrate = maximum;
    }

    /// <summary>The present estimate, bits a second.</summary>
    public long Bitrate { get; private set; }

    public void OnPacket(int bytes, long now) => _rate.Add(bytes, now);

    /// <summary>Takes the interval's loss, of 256, into account and returns the estimate.</summary>
    public long Update(int fractionLost, long now)
    {
        var next = (double)Bitrate;
        if (fractionLost > HighLoss)
        {
            // From what really arrives: an estimate far above it would fall without effect.
            var basis = Math.Min(next, Math.Max(_rate.BitsPerSecond(now) * 1.5, _minimum));
            next = basis * (1 - (0.5 * fractionLost / 256));
        }
        else if (fractionLost < LowLoss)
        {
            next *= 1.08;
        }

        Bitrate = Math.Clamp((long)next, _minimum, _maximum);
        return Bitrate;
    }
}
