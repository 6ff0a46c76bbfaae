using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// How much video the remote is sent at most, whatever its network carries. Layers are chosen so that the sum stays below; a
/// sender of one stream is told by REMB when none of its receivers may have as much as it sends.
/// </summary>
public abstract partial class Transport
{
    /// <summary>What a sender may add to its video for sound and retransmissions, bits a second.</summary>
    private const long SendLimitAllowance = 100_000;

    private bool _isToldLimit;

    /// <summary>Bits a second of video, RTP headers included; null without a limit.</summary>
    public long? MaxVideoBitrate { get; private set; }

    /// <summary>Sets <see cref="MaxVideoBitrate"/>. What takes too much steps down at its next key frame, which is asked for.</summary>
    public void SetMaxVideoBitrate(long? bitrate, long now)
    {
        if (MaxVideoBitrate == bitrate || IsClosed)
        {
            return;
        }

        MaxVideoBitrate = bitrate;
        if (bitrate is not null)
        {
            _allocation ??= new VideoAllocation();
            Router.MeasureVideo();
        }

        Allocate(now);
        Deadline = Math.Min(Deadline, now);
    }

    /// <summary>
    /// What is of use of this remote's sending, bits a second: of each video stream without a choice of layers the most that one
    /// of its receivers may have. No limit while somebody may have all, or nobody receives.
    /// </summary>
    private long SendLimit()
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
                most = Math.Max(most, consumer.IsPaused ? 0 : consumer.Transport.MaxVideoBitrate ?? long.MaxValue);
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
