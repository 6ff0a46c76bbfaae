using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// What the way to the remote carries, and who gets it. Sound is never held back: it has no transport-wide numbers, so the
/// estimate is what is left beside it; a REMB covers both, and the sound is taken off.
/// </summary>
public abstract partial class Transport
{
    /// <summary>µs between two divisions, unless the estimate falls.</summary>
    private const long AllocateEvery = 200_000;

    /// <summary>µs for which the lowest levels must have been too much before a picture is paused.</summary>
    private const long FloorPatience = 2_000_000;

    /// <summary>µs after which a remote that has agreed to report, and does not, is no longer held to the first estimate.</summary>
    private const long FeedbackPatience = 2_000_000;

    private SendSideEstimator? _estimator;
    private VideoAllocation? _allocation;
    private bool _usesRemb;
    private bool _isNumbered;
    private long _firstNumberedAt = -1;
    private long _allocateAt;
    private double _allocated = double.MaxValue;
    private bool _isLimited;
    private long _floorSince = long.MaxValue;
    private double _audioBitrate;
    private long _audioOctets;
    private long _audioMeasuredAt = -1;

    /// <summary>Whether video for this remote follows its network. A file takes all.</summary>
    private protected virtual bool AdaptsVideo => Router.Options.AdaptsVideo;

    // Both the extension and the feedback type must be agreed (draft-holmer-rmcat-transport-wide-cc-extensions-01 §4).
    private void AdaptTo(ProducerConsumer consumer)
    {
        if (!AdaptsVideo || consumer.Kind != MediaKind.Video)
        {
            return;
        }

        var parameters = consumer.RtpParameters;
        if (Agrees("transport-cc") && Array.Exists(parameters.HeaderExtensions, e => e.Uri == HeaderExtensionUris.TransportWideCc))
        {
            _estimator ??= new SendSideEstimator();
        }
        else if (Agrees("goog-remb"))
        {
            _usesRemb = true;
        }
        else
        {
            return;
        }

        _allocation ??= new VideoAllocation();

        bool Agrees(string feedback) => Array.Exists(parameters.Codecs, c => Array.Exists(c.RtcpFeedback, f => f.Type == feedback));
    }

    private void NoteSent(int length, long now)
    {
        if (_isNumbered)
        {
            _isNumbered = false;
            _firstNumberedAt = _firstNumberedAt < 0 ? now : _firstNumberedAt;
            _estimator?.OnSent(unchecked((ushort)(_nextTransportSequence - 1)), length, now);
        }
    }

    private void OnTransportFeedback(in RtcpPacket packet, long now)
    {
        if (!TransportFeedbackReader.TryParse(packet.FeedbackControl, out var feedback))
        {
            Stats.CountDrop(DropReason.RtcpMalformed);
            return;
        }

        if (_estimator is not null)
        {
            _estimator.OnFeedback(feedback, now);
            Stats.AvailableOutgoingBitrate = _estimator.HasFeedback ? (long)_estimator.Estimate : 0;
            OnEstimate(_estimator.Estimate, now);
        }
    }

    private void OnRemb(long now)
    {
        if (_usesRemb && _estimator is null)
        {
            Stats.AvailableOutgoingBitrate = Stats.RemoteBitrateEstimate;
            OnEstimate(Stats.RemoteBitrateEstimate, now);
        }
    }

    // What falls is obeyed at once; what rises can wait for its turn.
    private void OnEstimate(double estimate, long now)
    {
        if (estimate < _allocated)
        {
            _allocateAt = now;
        }

        Deadline = Math.Min(Deadline, Math.Max(now, _allocateAt));
    }

    /// <summary>Divides what the way carries among the video consumers.</summary>
    internal void Allocate(long now)
    {
        if (_allocation is null)
        {
            return;
        }

        _allocateAt = now + AllocateEvery;
        MeasureAudio(now);
        var estimate = Math.Max(Budget(now), MinOutgoingBitrate ?? 0);
        _isLimited = VideoLimit < estimate;
        _allocated = Math.Min(estimate, VideoLimit ?? double.MaxValue);

        // What varies within its leniency stays below the limit.
        var pauses = Pauses(now);
        _allocation.Divide(_consumers, _isLimited ? _allocated / VideoAllocation.Leniency : _allocated, pauses, !_isLimited && _estimator?.QueueSince == long.MaxValue, now);
        _floorSince = !_allocation.IsAtFloor ? long.MaxValue : pauses > 0 ? now : Math.Min(_floorSince, now);
    }

    // A limit is obeyed at once. What the network carries is known for certain only when a queue stays although everybody has the
    // lowest level for a while; then one goes after the other. Without reports of single packets the remote is believed after that time.
    private int Pauses(long now)
    {
        if (_isLimited)
        {
            return int.MaxValue;
        }

        var since = _estimator is null ? _floorSince : Math.Max(_floorSince, _estimator.QueueSince);
        return since == long.MaxValue || now - since < FloorPatience ? 0 : _estimator is null ? int.MaxValue : 1;
    }

    private double Budget(long now)
    {
        if (_estimator is not null)
        {
            return _estimator.HasFeedback ? _estimator.Estimate
                : _firstNumberedAt < 0 || now - _firstNumberedAt < FeedbackPatience ? SendSideEstimator.FirstEstimate
                : double.MaxValue;
        }

        // Where nobody adapts, what the remote says of its network is noted and no more.
        return !_usesRemb || Stats.RemoteBitrateEstimate == 0 ? double.MaxValue : Math.Max(0, Stats.RemoteBitrateEstimate - _audioBitrate);
    }

    private void MeasureAudio(long now)
    {
        var elapsed = now - _audioMeasuredAt;
        if (_audioMeasuredAt >= 0 && elapsed < AllocateEvery / 2)
        {
            return;
        }

        var octets = 0L;
        foreach (var consumer in _consumers)
        {
            octets += consumer.Kind == MediaKind.Audio ? consumer.Sender.Octets : 0;
        }

        _audioBitrate = _audioMeasuredAt < 0 ? 0 : Math.Max(0, octets - _audioOctets) * 8e6 / elapsed;
        (_audioOctets, _audioMeasuredAt) = (octets, now);
    }

    private long AdvanceBandwidth(long now)
    {
        if (_allocation is null)
        {
            return long.MaxValue;
        }

        if (now >= _allocateAt)
        {
            Allocate(now);
        }

        if (_estimator is not { HasFeedback: true })
        {
            return _allocateAt;
        }

        var probes = _estimator.Probes;
        probes.Wanted = Math.Min(_allocation.Wanted, VideoLimit ?? double.MaxValue);
        probes.IsUrgent = _allocation.IsShort && !_isLimited;
        _estimator.TryBeginProbe(now);
        while (probes.IsDue(now))
        {
            if (!TryPad(probes.Target, now))
            {
                probes.GiveUp(now);
            }
        }

        return Math.Min(_allocateAt, probes.Deadline(_estimator.Estimate));
    }

    private bool TryPad(double bitrate, long now)
    {
        foreach (var consumer in _consumers)
        {
            if (consumer is ProducerConsumer video && video.TryPad(bitrate, now))
            {
                Stats.PaddingPacketsSent++;
                return true;
            }
        }

        return false;
    }
}
