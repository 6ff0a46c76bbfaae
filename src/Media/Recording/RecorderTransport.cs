using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording;

/// <summary>A producer's stream begins, or with a null participant the mix.</summary>
/// <param name="Source">Its number, unique in the queue.</param>
public sealed record SourceAdded(RecorderTransport Recorder, int Source, string? ParticipantId, PayloadFormat Format, int ClockRate);

/// <summary>A stream has ended.</summary>
public sealed record SourceRemoved(RecorderTransport Recorder, int Source);

/// <summary>The recorder's router has closed, or the recorder was told to stop.</summary>
public sealed record RecorderClosed(RecorderTransport Recorder);

/// <summary>Which tracks are recorded.</summary>
/// <param name="Sound">Each participant's sound. Pictures have it in any case.</param>
/// <param name="Mix">The mix of all, if there is an Opus library.</param>
/// <param name="Pictures">Video.</param>
public sealed record RecordedTracks(bool Sound, bool Mix, bool Pictures);

/// <summary>
/// The recorder as one more receiver in the room: a consumer of each producer, and one of the mix. So it gets what a client
/// would get: key frames at the beginning, the best simulcast layer with one line of time, packets that were resent, and
/// reports that tie sound and picture together. What it is "sent" goes into the queue.
/// </summary>
public sealed class RecorderTransport : Transport
{
    private static readonly RtpCapabilities Capabilities = MakeCapabilities();
    private static int _lastSource;

    private readonly RecordingQueue _queue;
    private readonly RecordedTracks _tracks;
    private readonly byte[] _buffer = new byte[Datagram.MaxSize];
    private readonly Dictionary<uint, Source> _sources = [];
    private long _now;

    internal RecorderTransport(Router router, string id, RecordingQueue queue, RecordedTracks tracks, object? tag)
        : base(router, id) => (_queue, _tracks, Tag) = (queue, tracks, tag);

    /// <summary>What the queue's reader knows it by.</summary>
    public object? Tag { get; }

    /// <summary>Producers and controls that found no room in the queue, or that cannot be consumed.</summary>
    public int Missed { get; private set; }

    internal override bool IsClient => false;

    /// <summary>Records all producers that are there, and the mix if it can.</summary>
    internal void Start(long now)
    {
        _now = now;
        foreach (var producer in Router.Producers.Values)
        {
            Record(producer, now);
        }

        if (_tracks.Mix && OpusSupport.IsAvailable)
        {
            var consumed = ConsumeMix($"{Id}:mix", MixParameters(), paused: false, now);
            if (consumed.IsOk)
            {
                Announce(consumed.Value, null, PayloadFormat.Opus, Opus.ClockRate);
            }
            else
            {
                Missed++;
            }
        }
    }

    /// <summary>Records a producer that has come.</summary>
    internal void Record(Producer producer, long now)
    {
        _now = now;
        var codec = producer.ConsumableParameters.Codecs[0];
        var format = VideoFrame.FormatOf(codec.MimeType);
        if (format == PayloadFormat.Opaque || !(producer.Kind == MediaKind.Video ? _tracks.Pictures : _tracks.Sound || _tracks.Pictures))
        {
            return;
        }

        var consumed = Consume($"{Id}:{producer.Id}", producer.Id, Capabilities, paused: false, now);
        if (consumed.IsOk)
        {
            Announce(consumed.Value, producer.Owner, format, codec.ClockRate);
        }
        else
        {
            Missed++;
        }
    }

    /// <summary>Asks the sender of a source for a key frame.</summary>
    public void RequestKeyFrame(int number, long now)
    {
        foreach (var source in _sources.Values)
        {
            if (source.Number == number)
            {
                source.Consumer.RequestKeyFrame(now);
            }
        }
    }

    /// <inheritdoc/>
    public override void Close(long now)
    {
        if (IsClosed)
        {
            return;
        }

        _now = now;
        base.Close(now);
        Tell(new RecorderClosed(this));
    }

    internal override void OnConsumerClosed(Consumer consumer)
    {
        base.OnConsumerClosed(consumer);
        if (_sources.Remove(consumer.Sender.Ssrc.Value, out var source))
        {
            Tell(new SourceRemoved(this, source.Number));
        }
    }

    private protected override bool AdaptsVideo => false;

    /// <inheritdoc/>
    protected internal override Span<byte> RentPacket() => _buffer;

    /// <inheritdoc/>
    protected internal override void CommitRtp(int length, long now)
    {
        _now = now;
        if (!RtpPacket.TryParse(_buffer.AsSpan(0, length), out var packet) || !_sources.TryGetValue(packet.Ssrc.Value, out var source))
        {
            return;
        }

        if (!source.HasSent)
        {
            // Its place in time, so that nothing has to be moved when the first report comes.
            source.HasSent = true;
            Report(source, source.Consumer.Report(now));
        }

        _queue.TryWrite(
            new RecordHead(RecordKind.Packet, source.Number, packet.Payload.Length, packet.Timestamp, now, packet.SequenceNumber.Value, packet.Marker),
            packet.Payload);
    }

    /// <inheritdoc/>
    protected internal override void CommitRtcp(int length, long now)
    {
        _now = now;
        var reader = new RtcpReader(_buffer.AsSpan(0, length));
        while (reader.MoveNext())
        {
            if (SenderReport.TryRead(reader.Current, out var report) && _sources.TryGetValue(report.Ssrc.Value, out var source))
            {
                Report(source, report);
            }
        }
    }

    private void Report(Source source, in SenderReport report) => _queue.TryWrite(
        new RecordHead(RecordKind.Report, source.Number, 0, report.RtpTimestamp, report.Ntp.ToUnixMicroseconds() - Router.Options.UnixTimeOffset, 0, false),
        []);

    private void Announce(Consumer consumer, string? participantId, PayloadFormat format, int clockRate)
    {
        var source = new Source(Interlocked.Increment(ref _lastSource), consumer);
        _sources.Add(consumer.Sender.Ssrc.Value, source);
        Tell(new SourceAdded(this, source.Number, participantId, format, clockRate));
    }

    private void Tell(object control)
    {
        if (!_queue.TryWriteControl(control, _now))
        {
            Missed++;
        }
    }

    private RtpParameters MixParameters()
    {
        var opus = Array.Find(Router.RtpCapabilities.Codecs, static c => c.Kind == MediaKind.Audio)!;
        return new RtpParameters
        {
            Codecs = [new RtpCodecParameters { MimeType = opus.MimeType, PayloadType = opus.PreferredPayloadType!.Value, ClockRate = opus.ClockRate, Channels = opus.Channels }],
        };
    }

    // All codecs of the router, but no header extension, and nothing that would make it keep packets for resending.
    private static RtpCapabilities MakeCapabilities()
    {
        var all = Router.RtpCapabilities;
        return all with
        {
            HeaderExtensions = [],
            Codecs = [.. all.Codecs.Where(static c => !Ortc.IsRtx(c.MimeType)).Select(static c => c with { RtcpFeedback = [] })],
        };
    }

    private sealed class Source(int number, Consumer consumer)
    {
        public int Number => number;

        public Consumer Consumer => consumer;

        public bool HasSent { get; set; }
    }
}
