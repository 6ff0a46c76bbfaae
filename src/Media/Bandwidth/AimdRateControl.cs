namespace VoiceCluster.Media.Bandwidth;

/// <summary>
/// The rate that the delay allows: up by 8 % a second far from the limit and by about a packet a round trip near it, down to
/// 85 % of what arrives when a queue grows (draft-ietf-rmcat-gcc-02 §5.5 and §5.6).
/// </summary>
internal sealed class AimdRateControl(long first, long minimum, long maximum)
{
    /// <summary>§5.6, beta.</summary>
    private const double Decrease = 0.85;

    /// <summary>§5.6, eta: a second.</summary>
    private const double Increase = 1.08;

    /// <summary>Share of what was sent from which it counts as arrived.</summary>
    private const double Passed = 0.85;

    /// <summary>µs between two decreases: one round trip, within these bounds.</summary>
    private const long MinBetweenDecreases = 10_000;
    private const long MaxBetweenDecreases = 200_000;

    /// <summary>µs that a receiver takes to notice and to report (§5.6, response_time).</summary>
    private const long Response = 100_000;

    private readonly LinkCapacity _capacity = new();
    private bool _increases = true;
    private long _changedAt = -1;
    private long _decreasedAt = long.MinValue / 2;

    /// <summary>Bits a second.</summary>
    public double Bitrate { get; private set; } = first;

    /// <summary>Takes what a feedback said; true when the rate went down.</summary>
    /// <param name="usage">What the delay says.</param>
    /// <param name="acknowledged">Bits a second that arrived lately; 0 while unknown.</param>
    /// <param name="sent">Bits a second at which that was sent, and what was lost beside it: a sender with little to send is no sign of a narrow way.</param>
    /// <param name="roundTrip">µs.</param>
    /// <param name="now">µs.</param>
    public bool Update(BandwidthUsage usage, long acknowledged, long sent, long roundTrip, long now)
    {
        _changedAt = _changedAt < 0 ? now : _changedAt;
        switch (usage)
        {
            case BandwidthUsage.Under:
                // §5.5: the queue is emptying, and the rate waits for it.
                _increases = false;
                _changedAt = now;
                return false;
            case BandwidthUsage.Over:
                _increases = false;
                _changedAt = now;
                return MayDecrease(acknowledged, sent, roundTrip, now) && TryDecrease(acknowledged, sent, now);
            default:
                if (_increases)
                {
                    Raise(acknowledged, roundTrip, now);
                }

                _increases = true;
                _changedAt = now;
                return false;
        }
    }

    /// <summary>Takes a rate that has been shown to arrive, and perhaps to be all that arrives.</summary>
    public void Set(double bitrate, bool isLimit, long now)
    {
        Bitrate = Math.Clamp(bitrate, minimum, maximum);
        _changedAt = now;
        if (Bitrate / 1_000 > _capacity.Upper)
        {
            _capacity.Reset();
        }

        if (isLimit)
        {
            _capacity.OnFull((long)Bitrate);
        }
    }

    /// <summary>Takes a rate that arrived without waiting.</summary>
    public void AtLeast(double bitrate) => Bitrate = Math.Clamp(Math.Max(Bitrate, bitrate), minimum, maximum);

    private bool MayDecrease(long acknowledged, long sent, long roundTrip, long now)
        => now - _decreasedAt >= Math.Clamp(roundTrip, MinBetweenDecreases, MaxBetweenDecreases) || acknowledged < Math.Min(Bitrate, sent) / 2;

    private bool TryDecrease(long acknowledged, long sent, long now)
    {
        // Where what was sent has arrived, little arrived because little was sent: then the step is from what is allowed.
        var next = acknowledged <= 0 ? Bitrate / 2
            : acknowledged < Passed * sent ? Decrease * acknowledged
            : Decrease * Math.Max(acknowledged, Bitrate);
        if (next > Bitrate && _capacity.HasEstimate)
        {
            next = Decrease * _capacity.Estimate * 1_000;
        }

        if (acknowledged > 0)
        {
            if (acknowledged / 1_000d < _capacity.Lower || acknowledged / 1_000d > _capacity.Upper)
            {
                _capacity.Reset();
            }

            _capacity.OnFull(acknowledged);
        }

        _decreasedAt = now;
        if (next >= Bitrate)
        {
            return false;
        }

        Bitrate = Math.Max(minimum, next);
        return true;
    }

    private void Raise(long acknowledged, long roundTrip, long now)
    {
        if (acknowledged / 1_000d > _capacity.Upper)
        {
            _capacity.Reset();
        }

        var seconds = Math.Clamp((now - _changedAt) / 1_000_000d, 0, 1);
        var next = _capacity.HasEstimate
            ? Bitrate + (Additive(roundTrip) * seconds)
            : Bitrate + Math.Max(Bitrate * (Math.Pow(Increase, seconds) - 1), 1_000 * seconds);

        // §5.6: never far above what really arrives, since nothing is known there.
        var limit = acknowledged > 0 ? (1.5 * acknowledged) + 10_000 : Bitrate;
        if (next > Bitrate)
        {
            Bitrate = Math.Min(maximum, Math.Max(Bitrate, Math.Min(next, limit)));
        }
    }

    // §5.6: half a packet of the expected size a response time, of frames at 30 a second and packets of 1,200 bytes.
    private double Additive(long roundTrip)
    {
        var frame = Bitrate / 30;
        var packet = frame / Math.Ceiling(frame / (8 * 1_200));
        return Math.Max(4_000, packet * 1_000_000 / (2 * (roundTrip + Response)));
    }
}
