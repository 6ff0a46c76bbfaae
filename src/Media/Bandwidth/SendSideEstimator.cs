using VoiceCluster.Media.Rtcp;

namespace VoiceCluster.Media.Bandwidth;

/// <summary>
/// How many bits a second arrive at a receiver that tells when each packet came: Google congestion control
/// (draft-ietf-rmcat-gcc-02), the lesser of what delay and losses allow, with probes where more is wanted.
/// It counts what bears transport-wide numbers; what is sent beside that is not part of the estimate.
/// </summary>
internal sealed class SendSideEstimator
{
    /// <summary>Bits a second before anything is known; mediasoup's default.</summary>
    public const long FirstEstimate = 600_000;

    /// <summary>Bits a second below which the estimate never goes.</summary>
    public const long MinEstimate = 30_000;

    /// <summary>Bits a second above which it never goes.</summary>
    public const long MaxEstimate = 100_000_000;

    /// <summary>µs of arrivals in one feedback from which their rate means something.</summary>
    private const long MinSpan = 40_000;

    /// <summary>µs that packets must wait for a growing delay to count.</summary>
    private const long MinQueue = 20_000;

    /// <summary>Share of the estimate below which a full way's rate is another.</summary>
    private const double Disproved = 0.85;

    /// <summary>Share of what arrives without waiting that is certain to be carried: half a second is no exact measure.</summary>
    private const double Carried = 0.9;

    private readonly SentPacketLog _log = new();
    private readonly PacketGroups _groups = new();
    private readonly TrendlineEstimator _trend = new();
    private readonly QueueDelay _queue = new();
    private readonly AcknowledgedBitrate _acknowledged = new();
    private readonly AcknowledgedBitrate _reported = new();
    private readonly AimdRateControl _delay = new(FirstEstimate, MinEstimate, MaxEstimate);
    private readonly LossBasedControl _loss = new(MinEstimate, MaxEstimate);
    private readonly ProbeResult _probe = new();
    private double _disproved;
    private long _reference = -1;
    private long _roundTrip = 100_000;

    /// <summary>Bits a second that may be sent.</summary>
    public double Estimate => Math.Min(_delay.Bitrate, _loss.Bitrate);

    /// <summary>Whether the receiver has reported at all.</summary>
    public bool HasFeedback { get; private set; }

    /// <summary>When the present estimate was last lowered; µs.</summary>
    public long LoweredAt { get; private set; } = long.MinValue / 2;

    /// <summary>Bits a second that arrived lately.</summary>
    public long Acknowledged => _acknowledged.BitsPerSecond;

    /// <summary>Since when there has been a queue without a break; <see cref="long.MaxValue"/> while there is none.</summary>
    public long QueueSince => _queue.StandsSince;

    /// <summary>When to probe.</summary>
    public ProbeController Probes { get; } = new();

    /// <summary>Begins a probe when one is wanted and due.</summary>
    public bool TryBeginProbe(long now)
    {
        if (!HasFeedback || !Probes.TryBegin(Estimate, now))
        {
            return false;
        }

        _probe.Begin(Probes.Number);
        return true;
    }

    /// <summary>A packet with this number has been sent.</summary>
    public void OnSent(ushort number, int size, long now)
    {
        var cluster = Probes.Cluster;
        _log.Add(number, size, cluster, now);
        if (cluster != 0)
        {
            _probe.OnSent();
            Probes.OnSent(size, now);
        }
    }

    /// <summary>Takes a feedback.</summary>
    public void OnFeedback(TransportFeedbackReader feedback, long now)
    {
        var reference = Extend(feedback.ReferenceTime);
        var newest = -1L;
        var delay = long.MaxValue;
        var (first, last, bytes) = (long.MaxValue, long.MinValue, 0L);
        var (firstSent, lastSent) = (long.MaxValue, long.MinValue);
        while (feedback.MoveNext())
        {
            ref var packet = ref _log.Find(feedback.Current.Value);
            if (packet.State is SentPacketState.None or SentPacketState.Arrived)
            {
                continue;
            }

            if (feedback.IsReceived)
            {
                OnArrived(ref packet, reference + feedback.Arrival);
                newest = Math.Max(newest, packet.SentAt);
                var arrival = reference + feedback.Arrival;
                delay = Math.Min(delay, arrival - packet.SentAt);
                bytes += first == long.MaxValue ? 0 : packet.Size;
                (first, last) = (Math.Min(first, arrival), Math.Max(last, arrival));
                (firstSent, lastSent) = (Math.Min(firstSent, packet.SentAt), Math.Max(lastSent, packet.SentAt));
            }
            else if (packet.State == SentPacketState.UnderWay)
            {
                packet.State = SentPacketState.Lost;
                _loss.OnReported(isLost: true);
                _reported.OnPacket(packet.Size, packet.SentAt);
            }
        }

        if (newest < 0)
        {
            return;
        }

        HasFeedback = true;

        // The time that the receiver took to report is part of it, as it is of the control loop.
        _roundTrip = Math.Clamp(((7 * _roundTrip) + (now - newest)) / 8, 1_000, 2_000_000);
        var stretch = last - first - (lastSent - firstSent);
        if (_queue.Update(delay, stretch, now))
        {
            // Out of a queue packets come as fast as the link lets them: that is its rate, long before a window's mean falls to it.
            var rate = last - first >= MinSpan ? bytes * 8_000_000 / (last - first) : Acknowledged;
            Control(BandwidthUsage.Over, stretch > QueueDelay.Noise ? rate : Math.Min(rate, Acknowledged), long.MaxValue, now);
            return;
        }

        // A slope without a queue is the scheduling of a busy machine, or the network's noise.
        var usage = _trend.Usage == BandwidthUsage.Over && (stretch < -QueueDelay.Noise || _queue.Current < MinQueue) ? BandwidthUsage.Normal : _trend.Usage;
        Control(usage, Acknowledged, _reported.BitsPerSecond, now);
        if (usage == BandwidthUsage.Normal && _queue.Current < MinQueue)
        {
            // What arrives without waiting is carried, whatever was believed before.
            _delay.AtLeast(Carried * Math.Min(Acknowledged, _reported.BitsPerSecond));
        }
    }

    private void OnArrived(ref LoggedPacket packet, long arrival)
    {
        if (packet.State == SentPacketState.Lost)
        {
            _loss.OnLate();
        }
        else
        {
            _loss.OnReported(isLost: false);
        }

        if (packet.State != SentPacketState.Lost)
        {
            _reported.OnPacket(packet.Size, packet.SentAt);
        }

        packet.State = SentPacketState.Arrived;
        _acknowledged.OnPacket(packet.Size, arrival);
        if (packet.Probe != 0)
        {
            _probe.OnArrived(packet, arrival);
        }

        if (_groups.OnPacket(packet.SentAt, arrival, out var delta))
        {
            _trend.Update(delta, arrival);
        }
    }

    private void Control(BandwidthUsage usage, long acknowledged, long sent, long now)
    {
        var before = Estimate;
        if (_delay.Update(usage, acknowledged, sent, _roundTrip, now))
        {
            Probes.Postpone(now);
        }

        _loss.Update(before, Acknowledged, now);
        if (Probes.Cluster == 0 && _probe.TryTake(out var shown, out var isLimit))
        {
            OnProbe(shown, isLimit, now);
        }

        if (Estimate < before)
        {
            LoweredAt = now;
        }
    }

    private void OnProbe(double shown, bool isLimit, long now)
    {
        if (shown == 0)
        {
            Probes.OnUnclear(now);
            return;
        }

        // A burst of media in the cluster may show more than was tried for; that much is not believed.
        shown = Math.Min(shown, Probes.Target * 1.2);
        Probes.OnResult(shown, now);
        if (shown > Estimate)
        {
            _delay.Set(Math.Max(shown, _delay.Bitrate), isLimit, now);
            _loss.AtLeast(shown);
        }

        // Once it may have been a receiver without processor; the second time the link is really narrower than was believed.
        var disproved = isLimit && shown < Disproved * Estimate ? Math.Max(shown, Acknowledged) : 0;
        if (disproved > 0 && _disproved > 0)
        {
            _delay.Set(Math.Min(_delay.Bitrate, Math.Max(disproved, _disproved)), isLimit: true, now);
        }

        _disproved = disproved;
    }

    // 24 bits wrap after twelve days; a feedback may be older than the one before it.
    private long Extend(int reference)
    {
        _reference = _reference < 0 ? reference : _reference + (((reference - (int)(_reference & 0xFF_FFFF)) << 8) >> 8);
        if (_reference < 1L << 24)
        {
            // A lap ahead, so that no delta leads below zero.
            _reference += 1L << 24;
        }

        return TransportFeedbackReader.ToMicroseconds(_reference);
    }
}
