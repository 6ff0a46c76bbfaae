using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>One incoming stream of a producer: an SSRC, with its RTX.</summary>
internal sealed class RtpStreamReceiver
{
    public RtpStreamReceiver(Producer producer, int encodingIndex, Ssrc ssrc, int clockRate, bool useNack, bool keepHistory)
    {
        Producer = producer;
        EncodingIndex = encodingIndex;
        Ssrc = ssrc;
        ClockRate = clockRate;
        Statistics = new ReceptionStatistics(clockRate);
        Nack = useNack ? new NackGenerator() : null;
        History = keepHistory ? PacketHistory.OfPictures() : null;
        Rates = producer.Kind == Parameters.MediaKind.Video && producer.Transport.Router.MeasuresVideo ? new LayerRates() : null;
    }

    public Producer Producer { get; }

    /// <summary>Which of the producer's encodings; the spatial layer.</summary>
    public int EncodingIndex { get; }

    public Ssrc Ssrc { get; }

    public int ClockRate { get; }

    public ReceptionStatistics Statistics { get; }

    public NackGenerator? Nack { get; }

    /// <summary>Of a picture.</summary>
    public PacketHistory? History { get; }

    /// <summary>Of sound, while somebody who gets it may ask for a packet again.</summary>
    public PacketHistory? RecentSound { get; set; }

    /// <summary>What its temporal layers take, of the lowest spatial one; null where nobody adapts.</summary>
    public LayerRates? Rates { get; private set; }

    /// <summary>Its spatial layers above the lowest; null while it has none.</summary>
    public SpatialLayers? Spatial { get; private set; }

    /// <summary>Whether a packet has come. A stream that was declared by its SSRC exists before, and may never flow.</summary>
    public bool IsOpen { get; set; }

    /// <summary>The retransmission stream once it is known.</summary>
    public Ssrc? RtxSsrc { get; set; }

    public ReceptionStatistics? RtxStatistics { get; set; }

    /// <summary>Counts the sender's restarts of its numbering; consumers start anew when it changes.</summary>
    public int Epoch { get; set; }

    public long LastPacketAt { get; set; }

    /// <summary>Where its sound is nothing but silence.</summary>
    public OpusSilence Silence;

    /// <summary>Of a sender with redundancy, the packet with the highest number so far.</summary>
    public (long Sequence, uint Timestamp) Newest;

    public bool HasSenderReport { get; private set; }

    /// <summary>The sender's wall clock of its last SR, µs since 1970.</summary>
    public long ReportTime { get; private set; }

    public uint ReportTimestamp { get; private set; }

    /// <summary>From now on <see cref="Rates"/> are measured.</summary>
    public void Measure()
    {
        if (Producer.Kind == Parameters.MediaKind.Video)
        {
            Rates ??= new LayerRates();
        }
    }

    /// <summary>Notes what a packet of a picture is and takes.</summary>
    public void Note(in VideoFrame frame, int payloadLength, long now)
    {
        if (frame.SpatialLayer == 0)
        {
            Rates?.Add(frame.TemporalLayer, payloadLength, now);
            return;
        }

        Spatial ??= new SpatialLayers();
        Spatial.Add(frame, payloadLength, Rates is not null, now);
    }

    public void OnSenderReport(in SenderReport report, long now)
    {
        HasSenderReport = true;
        ReportTime = report.Ntp.ToUnixMicroseconds();
        ReportTimestamp = report.RtpTimestamp;
        Statistics.OnSenderReport(report.Ntp, now);
    }

    /// <summary>The RTP time stamp at an instant of the sender's wall clock.</summary>
    public uint TimestampAt(long senderTime)
        => unchecked(ReportTimestamp + (uint)(long)((senderTime - ReportTime) * (double)ClockRate / 1_000_000));

    /// <summary>The instant of the sender's wall clock of a time stamp.</summary>
    public long SenderTimeOf(uint timestamp)
        => ReportTime + (long)((int)(timestamp - ReportTimestamp) * 1_000_000.0 / ClockRate);
}
