using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// How much the remote is sent and may send, whatever its network carries: the smaller of what its quality and what its application
/// allow. Layers are chosen so that the sum stays below; a sender of one stream is told by REMB when none of its receivers may have
/// as much as it sends. Sound is never held back: what it takes is taken off the pictures'.
/// </summary>
public abstract partial class Transport
{
    /// <summary>What a sender may add to its video for sound and retransmissions, bits a second.</summary>
    private const long SendLimitAllowance = 100_000;

    private bool _isToldLimit;

    /// <summary>Bits a second of video, RTP headers included; null without a limit.</summary>
    public long? MaxVideoBitrate { get; private set; }

    /// <summary>Bits a second of sound and video that the application lets the remote be sent; null without a limit.</summary>
    public long? MaxOutgoingBitrate { get; private set; }

    /// <summary>Bits a second that the remote is taken to receive at least, whatever is estimated; null for none.</summary>
    public long? MinOutgoingBitrate { get; private set; }

    /// <summary>Bits a second that the remote is told to send at most; null for the node's own limit.</summary>
    public long? MaxIncomingBitrate { get; private set; }

    // The smaller of both limits, of video.
    private long? VideoLimit
        => MaxOutgoingBitrate is not { } most ? MaxVideoBitrate
            : Math.Min(Math.Max(0, most - (long)_audioBitrate), MaxVideoBitrate ?? long.MaxValue);

    /// <summary>Sets <see cref="MaxVideoBitrate"/>. What takes too much steps down at its next key frame, which is asked for.</summary>
    public void SetMaxVideoBitrate(long? bitrate, long now)
    {
        if (MaxVideoBitrate == bitrate || IsClosed)
        {
            return;
        }

        MaxVideoBitrate = bitrate;
        ObeyLimits(now);
    }

    /// <summary>Sets what the application allows (mediasoup's transport.setMaxOutgoingBitrate and its kin); null lifts a limit.</summary>
    public void SetBitrates(long? maxOutgoing, long? minOutgoing, long? maxIncoming, long now)
    {
        if ((MaxOutgoingBitrate, MinOutgoingBitrate, MaxIncomingBitrate) == (maxOutgoing, minOutgoing, maxIncoming) || IsClosed)
        {
            return;
        }

        // The sender is told by the next report.
        _reportAt = MaxIncomingBitrate == maxIncoming ? _reportAt : now;
        (MaxOutgoingBitrate, MinOutgoingBitrate, MaxIncomingBitrate) = (maxOutgoing, minOutgoing, maxIncoming);
        ObeyLimits(now);
    }

    private void ObeyLimits(long now)
    {
        if (MaxVideoBitrate is not null || MaxOutgoingBitrate is not null)
        {
            _allocation ??= new VideoAllocation();
            Router.MeasureVideo();
        }

        Allocate(now);
        Deadline = Math.Min(Deadline, now);
    }

    /// <summary>
    /// What is of use of this remote's sending, bits a second: of each video stream without a choice of layers the most that one
    /// of its receivers may have, and never more than the application allows.
    /// </summary>
    private long SendLimit() => Math.Min(UsefulBitrate(), MaxIncomingBitrate ?? long.MaxValue);

    // No limit while somebody may have all, or nobody receives.
    private long UsefulBitrate()
    {
        var sum = 0L;
        foreach (var producer in _producers)
        {
            if (producer.Kind != MediaKind.Video)
            {
                continue;
            }

            var most = 0L;
            foreach (var consumer in producer.Consumers)
            {
                // A pipe or a recorder has no limit of its own: who is behind it may have all.
                most = Math.Max(most, consumer.IsPaused ? 0 : consumer.Transport.VideoLimit ?? long.MaxValue);
            }

            if (producer.Streams.Length > 1 || most is 0 or long.MaxValue)
            {
                return long.MaxValue;
            }

            sum += most;
        }

        return sum == 0 ? long.MaxValue : Math.Min(sum + SendLimitAllowance, Router.Options.MaxIncomingBitrate);
    }
}
