using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// A producer's media on its way to one receiver. It starts clean: sound with the next packet, video with the next key
/// frame, in either case with one contiguous series of sequence numbers, whatever happened at the source before.
/// </summary>
public sealed partial class ProducerConsumer : Consumer
{
    /// <summary>µs after which a packet is not sent again.</summary>
    private const long MaxResendAge = 2_000_000;

    /// <summary>Times that one packet is sent again.</summary>
    private const int MaxResends = 10;

    /// <summary>µs between two resends of a packet while the round trip is unknown.</summary>
    private const long MinResendInterval = 20_000;

    /// <summary>µs without packets after which a simulcast stream counts as stopped.</summary>
    private const long StreamTimeout = 2_000_000;

    /// <summary>The best of the encodings that flow, as the receiver prefers.</summary>
    private const int AnyEncoding = -1;

    private readonly SequenceMunger _munger;
    private readonly SentPackets? _sent;
    private readonly SoundResender? _sound;
    private readonly PictureNumbers? _pictures;

    // One encoding and no other, for a pipe that carries each by itself.
    private readonly int _encoding;
    private ushort _rtxSequence;
    private RtpStreamReceiver? _current;
    private RtpStreamReceiver? _target;
    private int _epoch;
    private bool _resync = true;
    private uint _timestampOffset;

    // The number of the first packet of the present stream.
    private long _joinedAt;

    internal ProducerConsumer(
        Transport transport, string id, Producer producer, RtpParameters parameters, ConsumerMapping mapping, bool paused, int encoding = AnyEncoding)
        : base(transport, id, producer.Kind, parameters, mapping, producer.ClockRate, paused)
    {
        Producer = producer;
        _encoding = encoding;
        var router = transport.Router;
        _munger = new SequenceMunger(router.NextFirstSequence(), producer.Kind == MediaKind.Audio ? SequenceMunger.AudioWindow : SequenceMunger.Window);
        _rtxSequence = router.NextFirstSequence();

        // Retransmission only where the source is kept and the receiver may ask.
        var nack = Array.Exists(parameters.Codecs, c => Array.Exists(c.RtcpFeedback, f => f.Type == "nack" && string.IsNullOrEmpty(f.Parameter)));
        _sound = producer.Kind == MediaKind.Audio ? SoundResender.Of(parameters, Writer) : null;
        _pictures = producer.Kind == MediaKind.Video ? new PictureNumbers() : null;
        _sent = producer.Kind == MediaKind.Video && nack ? new SentPackets() : null;
    }

    /// <summary>Whether it answers NACKs about sound.</summary>
    internal bool Resends => _sound is not null;

    /// <summary>Its source.</summary>
    public Producer Producer { get; }

    /// <inheritdoc/>
    public override bool IsProducerPaused => Producer.IsPaused;

    /// <summary>The spatial layer that flows now; -1 before the first packet.</summary>
    public int CurrentSpatialLayer => _current?.Spatial is { } layers ? Math.Min(_spatial, layers.Highest(_current.LastPacketAt)) : _current?.EncodingIndex ?? -1;

    private bool WaitsForKeyFrame => Kind == MediaKind.Video && (_resync || _current is null);

    /// <inheritdoc/>
    public override void Pause(long now)
    {
        if (!IsPaused && !IsClosed)
        {
            FallSilent(now);
            IsPaused = true;
        }
    }

    /// <summary>Flows again without a gap; video from the next key frame, which is asked for.</summary>
    public override void Resume(long now)
    {
        if (IsPaused && !IsClosed)
        {
            IsPaused = false;
            Restart(now);
        }
    }

    /// <summary>Asks the producer for a key frame of the layer that this consumer wants.</summary>
    public override void RequestKeyFrame(long now)
    {
        if (Kind == MediaKind.Video && !IsPaused && !IsStarved && !IsClosed)
        {
            Producer.RequestKeyFrame(_encoding != AnyEncoding ? _encoding : (_target ?? _current)?.EncodingIndex ?? 0, now);
        }
    }

    internal void OnProducerPaused(long now) => FallSilent(now);

    internal void OnProducerResumed(long now) => Restart(now);

    internal override void OnConnected(long now)
    {
        if (WaitsForKeyFrame)
        {
            RequestKeyFrame(now);
        }
    }

    private protected override SequenceMunger? Munger => _munger;

    /// <summary>Leaves out a packet that has nothing for receivers.</summary>
    internal void Skip(RtpStreamReceiver stream, long sequence)
    {
        if (stream == _current && !_resync)
        {
            _munger.TryDrop(sequence);
        }
    }

    internal void Forward(RtpStreamReceiver stream, in SourcePacket packet, long now)
    {
        if (_encoding != AnyEncoding && stream.EncodingIndex != _encoding)
        {
            // Another of the pipe's streams carries it.
            return;
        }

        if (IsPaused || IsStarved || !Writer.Takes(packet))
        {
            Transport.Stats.CountDrop(IsPaused || IsStarved ? DropReason.ConsumerSkipped : DropReason.UnknownPayloadType);
            return;
        }

        var buffer = Transport.RentPacket();
        if (buffer.IsEmpty)
        {
            _resync = true;
            Transport.Stats.CountDrop(DropReason.NotConnected);
            return;
        }

        if (_isTooMuch && stream == _current && IsStepDown && _munger.TryDrop(packet.Sequence))
        {
            Transport.Stats.CountDrop(DropReason.ConsumerSkipped);
            return;
        }

        var joined = _resync || stream != _current || _epoch != stream.Epoch;
        if (!TrySelect(stream, packet, now) || !TryKeepLayer(packet) || !_munger.TryMap(packet.Sequence, out var output))
        {
            Transport.Stats.CountDrop(DropReason.ConsumerSkipped);
            return;
        }

        _pictures?.Keep(packet);
        var sent = new SentPacket
        {
            Output = output,
            Stream = stream,
            Source = packet.Sequence,
            SentAt = now,
            Timestamp = unchecked(packet.Timestamp + _timestampOffset),
            TransportSequence = Writer.UsesTransportSequence ? Transport.NextTransportSequence() : (ushort)0,
            PictureIdShift = _pictures?.IdShift ?? 0,
            Tl0Shift = _pictures?.Tl0Shift ?? 0,
            EndsPicture = EndsPicture(packet),
        };
        if (!Writer.TryWrite(buffer, packet, sent, out var length))
        {
            Transport.Stats.CountDrop(DropReason.SendFailed);
            return;
        }

        if (_sent is not null)
        {
            _sent.Slot(output) = sent;
        }

        if (joined)
        {
            _joinedAt = output;
        }

        if (joined && Kind == MediaKind.Audio)
        {
            // RFC 3551 §4.1: the first packet of a talkspurt, which this is for the receiver.
            buffer[1] |= 0x80;
        }

        Sender.OnSent(Writer.PayloadLengthOf(packet), sent.Timestamp, now);
        Transport.SendRtp(length, now);
        if (joined)
        {
            CatchUp(stream, packet.Sequence, now);
        }
    }

    internal override void OnNack(NackReader sequences, long now)
    {
        while (sequences.MoveNext())
        {
            Transport.Stats.NacksReceived++;
            if (_sent is not null && !IsPaused)
            {
                Resend(sequences.Current, now);
            }
            else if (!IsPaused)
            {
                _sound?.Resend(sequences.Current, _munger, _current, _timestampOffset, _joinedAt, Transport, now);
            }
        }
    }

    internal override void OnKeyFrameRequested(long now)
    {
        base.OnKeyFrameRequested(now);
        RequestKeyFrame(now);
    }

    internal override SenderReport Report(long now)
        => Sender.Report(_current, Producer.Transport.SenderClock, _timestampOffset, Transport.Router.Options.UnixTimeOffset, now);

    private protected override void Detach(long now) => Producer.RemoveConsumer(this);

    // The key frame's first packet can come after those that follow it: late by the network, or by RTX. They were
    // passed over while it was awaited, but the history has them.
    private void CatchUp(RtpStreamReceiver stream, long joinedAt, long now)
    {
        for (var sequence = joinedAt + 1; stream.History is not null && sequence <= stream.Statistics.Highest; sequence++)
        {
            if (!Producer.IsYetToCome(stream, sequence) && stream.History.TryGet(sequence, out var packet))
            {
                Forward(stream, packet, now);
            }
        }
    }

    // The sound ends here and not in the receiver's concealment of a loss.
    private void FallSilent(long now)
    {
        if (Kind != MediaKind.Audio || IsPaused || _resync || !Writer.HasSilence)
        {
            return;
        }

        _resync = true;
        for (var i = 0; i < SilentFrames && !Transport.RentPacket().IsEmpty; i++)
        {
            SendSilence(_munger.Insert(), now);
        }
    }

    private void Restart(long now)
    {
        _resync = true;
        if (Kind == MediaKind.Video)
        {
            RequestKeyFrame(now);
        }
    }

    private bool TrySelect(RtpStreamReceiver stream, in SourcePacket packet, long now)
    {
        if (stream == _current && !_resync && _epoch == stream.Epoch)
        {
            return true;
        }

        // Any stream may begin; afterwards only the target may take over. Either at a key frame.
        var mayBegin = stream == _current || stream == _target || _current is null;
        if (!mayBegin || (Kind == MediaKind.Video && !packet.Frame.IsKeyFrame))
        {
            if (stream == _current && Kind == MediaKind.Video)
            {
                // The sender started anew. The rented buffer is not used any more, so the request may rent its own.
                _resync = true;
                Producer.RequestKeyFrame(stream.EncodingIndex, now);
            }

            return false;
        }

        AlignTimestamp(stream, packet, now);
        _pictures?.Begin(packet);
        _current = stream;
        _epoch = stream.Epoch;
        _resync = false;
        BeginPicture(packet.Timestamp);
        _currentTemporal = TemporalLimit;
        _munger.Resync();
        return true;
    }

    private void AlignTimestamp(RtpStreamReceiver stream, in SourcePacket packet, long now)
    {
        if (_current is null || !Sender.HasSent)
        {
            return;
        }

        uint aligned;
        if (_current == stream && _epoch == stream.Epoch)
        {
            // One source's time goes on by itself, unless the frames of silence reach into it.
            if (Kind == MediaKind.Video || (int)(packet.Timestamp + _timestampOffset - Sender.LastTimestamp) > 0)
            {
                return;
            }

            aligned = unchecked(Sender.LastTimestamp + Opus.FrameDuration);
            _timestampOffset = unchecked(aligned - packet.Timestamp);
            return;
        }

        if (_current != stream && _current.HasSenderReport && stream.HasSenderReport)
        {
            // Both streams' reports refer to one clock: the new one's instant in the old one's time stamps.
            aligned = unchecked(_current.TimestampAt(stream.SenderTimeOf(packet.Timestamp)) + _timestampOffset);
        }
        else
        {
            aligned = unchecked(Sender.LastTimestamp + (uint)((now - Sender.LastSentAt) * stream.ClockRate / 1_000_000));
        }

        // Time must go on by a little at least and not by a leap that receivers would take for a fault.
        var step = (int)(aligned - Sender.LastTimestamp);
        if (step <= 0 || step > stream.ClockRate * 10)
        {
            aligned = unchecked(Sender.LastTimestamp + (uint)(stream.ClockRate / 50));
        }

        _timestampOffset = unchecked(aligned - packet.Timestamp);
    }

    private void Resend(SequenceNumber wanted, long now)
    {
        var output = _munger.HighestOutput + wanted.DistanceFrom(new SequenceNumber((ushort)_munger.HighestOutput));
        if (!_sent!.Has(output) || output < _joinedAt || IsStepDown)
        {
            // What came before the key frame of another stream is of no use any more, and soon of none while such a one is awaited.
            return;
        }

        ref var sent = ref _sent.Slot(output);
        var interval = Math.Max(MinResendInterval, Sender.RoundTrip);
        if (now - sent.SentAt > MaxResendAge || sent.Resends >= MaxResends || (sent.Resends > 0 && now - sent.ResentAt < interval)
            || !sent.Stream.History!.TryGet(sent.Source, out var packet))
        {
            return;
        }

        var buffer = Transport.RentPacket();
        if (buffer.IsEmpty)
        {
            return;
        }

        int length;
        if (Writer.HasRtx(packet.PayloadType))
        {
            var again = sent;
            again.SentAt = now;
            again.TransportSequence = Writer.UsesTransportSequence ? Transport.NextTransportSequence() : (ushort)0;
            if (!Writer.TryWriteRtx(buffer, packet, again, _rtxSequence, out length))
            {
                return;
            }

            _rtxSequence++;
        }
        else if (!Writer.TryWrite(buffer, packet, sent, out length))
        {
            // Without RTX the same bytes go again: anything else would encrypt twice under one SRTP index (RFC 3711 §9.1).
            return;
        }

        sent.Resends++;
        sent.ResentAt = now;
        Transport.Stats.PacketsRetransmitted++;
        Transport.SendRtp(length, now);
    }
}
