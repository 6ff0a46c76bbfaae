using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// A stream that carries whichever producer the <see cref="LoudestSelector"/> puts into it, untouched but for its header:
/// the receiver sees one sender with contiguous numbers, a time that goes on, and the marker where another voice begins.
/// </summary>
public sealed class SlotConsumer : Consumer
{
    private readonly SequenceMunger _munger;
    private readonly SoundResender? _sound;
    private RtpStreamReceiver? _current;
    private int _epoch;
    private bool _begins = true;

    // The number of the first packet since then.
    private long _begunAt;
    private uint _timestampOffset;

    // Samples by which the stream's time is ahead of the clock's, because a switch came before the last packet's end.
    private long _ahead;

    // The same by frames of silence since then; it is over when the same source goes on.
    private long _aheadBySilence;

    internal SlotConsumer(Transport transport, string id, RtpParameters parameters, ConsumerMapping mapping, bool paused)
        : base(transport, id, MediaKind.Audio, parameters, mapping, Opus.ClockRate, paused)
    {
        _munger = new SequenceMunger(transport.Router.NextFirstSequence(), SequenceMunger.AudioWindow);
        _sound = SoundResender.Of(parameters, Writer);
    }

    /// <summary>Whether it answers NACKs.</summary>
    internal bool Resends => _sound is not null;

    /// <summary>Who is in it now; null while nobody is.</summary>
    public Producer? Source { get; private set; }

    /// <inheritdoc/>
    public override bool IsProducerPaused => Source is { IsPaused: true };

    /// <summary>Its place among the source's slots.</summary>
    internal int Place { get; set; }

    /// <inheritdoc/>
    public override void Pause(long now)
    {
        if (!IsPaused && !IsClosed)
        {
            FallSilent(now);
            IsPaused = true;
        }
    }

    internal void OnProducerPaused(long now) => FallSilent(now);

    /// <summary>Lets another producer into the slot, or none: then its sound ends.</summary>
    internal void SwitchTo(Producer? producer, long now)
    {
        if (Source == producer)
        {
            return;
        }

        Source?.RemoveSlot(Place);
        Source = producer;
        if (producer is null)
        {
            FallSilent(now);
            return;
        }

        _begins = true;
        Place = producer.AddSlot(this);
    }

    private protected override SequenceMunger? Munger => _munger;

    internal void Skip(RtpStreamReceiver stream, long sequence)
    {
        if (stream == _current && !_begins)
        {
            _munger.TryDrop(sequence);
        }
    }

    internal void Forward(RtpStreamReceiver stream, in SourcePacket packet, long now)
    {
        if (IsPaused || !Writer.Takes(packet))
        {
            Transport.Stats.CountDrop(IsPaused ? DropReason.ConsumerSkipped : DropReason.UnknownPayloadType);
            return;
        }

        var buffer = Transport.RentPacket();
        if (buffer.IsEmpty)
        {
            _begins = true;
            Transport.Stats.CountDrop(DropReason.NotConnected);
            return;
        }

        var begins = _begins || stream != _current || stream.Epoch != _epoch;
        if (begins)
        {
            Begin(stream, packet.Timestamp, now);
        }

        if (!_munger.TryMap(packet.Sequence, out var output))
        {
            Transport.Stats.CountDrop(DropReason.ConsumerSkipped);
            return;
        }

        var sent = new SentPacket
        {
            Output = output,
            Stream = stream,
            Source = packet.Sequence,
            SentAt = now,
            Timestamp = unchecked(packet.Timestamp + _timestampOffset),
            TransportSequence = Writer.UsesTransportSequence ? Transport.NextTransportSequence() : (ushort)0,
        };
        if (!Writer.TryWrite(buffer, packet, sent, out var length))
        {
            Transport.Stats.CountDrop(DropReason.SendFailed);
            return;
        }

        if (begins)
        {
            // RFC 3551 §4.1: the first packet of a talkspurt, which this is for the receiver.
            _begunAt = output;
            buffer[1] |= 0x80;
        }

        Sender.OnSent(Writer.PayloadLengthOf(packet), sent.Timestamp, now);
        Transport.SendRtp(length, now);
    }

    internal override void OnNack(NackReader sequences, long now)
    {
        while (sequences.MoveNext())
        {
            Transport.Stats.NacksReceived++;
            if (!IsPaused)
            {
                _sound?.Resend(sequences.Current, _munger, _current, _timestampOffset, _begunAt, Transport, now);
            }
        }
    }

    private protected override void Detach(long now)
    {
        SwitchTo(null, now);
        Transport.OnSlotClosed(this);
    }

    private void FallSilent(long now)
    {
        if (_begins || IsPaused)
        {
            return;
        }

        _begins = true;
        for (var i = 0; i < SilentFrames && !Transport.RentPacket().IsEmpty; i++)
        {
            _aheadBySilence += Opus.FrameDuration - Elapsed(now);
            SendSilence(_munger.Insert(), now);
        }
    }

    private void Begin(RtpStreamReceiver stream, uint timestamp, long now)
    {
        var goesOn = stream == _current && stream.Epoch == _epoch && (int)(timestamp + _timestampOffset - Sender.LastTimestamp) > 0;
        if (Sender.HasSent && !goesOn)
        {
            // As much later as the clock says, but never into the packet before; what that costs is made good at a later switch.
            var elapsed = Elapsed(now);
            _ahead += _aheadBySilence;
            var step = Math.Max(Opus.FrameDuration, elapsed - _ahead);
            _ahead += step - elapsed;
            _timestampOffset = unchecked(Sender.LastTimestamp + (uint)step - timestamp);
        }

        _aheadBySilence = 0;
        _current = stream;
        _epoch = stream.Epoch;
        _begins = false;
        _munger.Resync();
    }

    private long Elapsed(long now) => (now - Sender.LastSentAt) * Opus.ClockRate / 1_000_000;
}
