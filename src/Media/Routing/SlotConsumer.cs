using VoiceCluster.Media.Mixing;
using VoiceCluster.Media.Routing.Parameters;
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
    private RtpStreamReceiver? _current;
    private int _epoch;
    private bool _begins = true;
    private uint _timestampOffset;

    // Samples by which the stream's time is ahead of the clock's, because a switch came before the last packet's end.
    private long _ahead;

    internal SlotConsumer(Transport transport, string id, RtpParameters parameters, ConsumerMapping mapping, bool paused)
        : base(transport, id, MediaKind.Audio, parameters, mapping, Opus.ClockRate, paused)
        => _munger = new SequenceMunger(transport.Router.NextFirstSequence());

    /// <summary>Who is in it now; null while nobody is.</summary>
    public Producer? Source { get; private set; }

    /// <inheritdoc/>
    public override bool IsProducerPaused => Source is { IsPaused: true };

    /// <summary>Its place among the source's slots.</summary>
    internal int Place { get; set; }

    /// <inheritdoc/>
    public override void Resume(long now)
    {
        _begins |= IsPaused;
        base.Resume(now);
    }

    /// <summary>Lets another producer, or none, into the slot.</summary>
    internal void SwitchTo(Producer? producer)
    {
        if (Source == producer)
        {
            return;
        }

        Source?.RemoveSlot(Place);
        Source = producer;
        _begins = true;
        if (producer is not null)
        {
            Place = producer.AddSlot(this);
        }
    }

    internal void Skip(RtpStreamReceiver stream, long sequence)
    {
        if (stream == _current && !_begins)
        {
            _munger.TryDrop(sequence);
        }
    }

    internal void Forward(RtpStreamReceiver stream, in SourcePacket packet, long now)
    {
        if (IsPaused || !Writer.Takes(packet.PayloadType))
        {
            _begins = true;
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
            buffer[1] |= 0x80;
        }

        Sender.OnSent(packet.Payload.Length, sent.Timestamp, now);
        Transport.SendRtp(length, now);
    }

    private protected override void Detach(long now)
    {
        SwitchTo(null);
        Transport.OnSlotClosed(this);
    }

    private void Begin(RtpStreamReceiver stream, uint timestamp, long now)
    {
        if (Sender.HasSent && !(stream == _current && stream.Epoch == _epoch))
        {
            // As much later as the clock says, but never into the packet before; what that costs is made good at a later switch.
            var elapsed = (now - Sender.LastSentAt) * Opus.ClockRate / 1_000_000;
            var step = Math.Max(Mixer.FrameSamples, elapsed - _ahead);
            _ahead += step - elapsed;
            _timestampOffset = unchecked(Sender.LastTimestamp + (uint)step - timestamp);
        }

        _current = stream;
        _epoch = stream.Epoch;
        _begins = false;
        _munger.Resync();
    }
}
