using VoiceCluster.Media.Mixing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>A stream of all other participants' sound, mixed.</summary>
public sealed class MixConsumer : Consumer, IMixSink
{
    private readonly Mixer _mixer;
    private readonly MixListener _listener;
    private readonly byte _payloadType;
    private readonly uint _timestampOffset;
    private readonly SoundResender? _resender;

    // What was sent last, where the receiver may ask for it again: nobody else has it.
    private readonly PacketHistory? _sent;
    private long _sequence;

    internal MixConsumer(Transport transport, string id, RtpParameters parameters, ConsumerMapping mapping, bool paused, Mixer mixer)
        : base(transport, id, MediaKind.Audio, parameters, mapping, Opus.ClockRate, paused)
    {
        _mixer = mixer;
        _sequence = transport.Router.NextFirstSequence();
        _timestampOffset = transport.Router.NextSsrc();
        _payloadType = (byte)Array.Find(Router.RtpCapabilities.Codecs, c => c.Kind == MediaKind.Audio)!.PreferredPayloadType!.Value;
        _resender = SoundResender.Of(parameters, Writer);
        _sent = _resender is null ? null : PacketHistory.OfSound();
        _listener = mixer.AddListener(transport.Owner, this);
    }

    /// <summary>The number of the packet sent last.</summary>
    internal ushort LastSequence => (ushort)(_sequence - 1);

    /// <inheritdoc/>
    public override void Pause(long now)
    {
        if (IsPaused || IsClosed)
        {
            return;
        }

        for (var i = 0; i < SilentFrames && Sender.HasSent && !Transport.RentPacket().IsEmpty; i++)
        {
            SendSilence(_sequence++, now);
        }

        IsPaused = true;
    }

    /// <inheritdoc/>
    bool IMixSink.IsListening => !IsPaused && !Transport.RentPacket().IsEmpty;

    /// <inheritdoc/>
    bool IMixSink.FillsSilence => Transport.FillsMix;

    /// <inheritdoc/>
    void IMixSink.OnMixed(ReadOnlySpan<byte> opus, long timestamp, bool begins, long now)
    {
        var buffer = Transport.RentPacket();
        if (buffer.IsEmpty || (Sender.HasSent && (int)((uint)timestamp + _timestampOffset - Sender.LastTimestamp) <= 0))
        {
            // Not connected, or still within the frames of silence of a pause.
            return;
        }

        var packet = new SourcePacket
        {
            Sequence = _sequence,
            Timestamp = unchecked((uint)timestamp + _timestampOffset),
            PayloadType = _payloadType,
            Marker = begins,
            Extensions = [],
            Payload = opus,
            Format = PayloadFormat.Opus,
        };
        var sent = new SentPacket
        {
            Output = _sequence,
            SentAt = now,
            Timestamp = packet.Timestamp,
            TransportSequence = Writer.UsesTransportSequence ? Transport.NextTransportSequence() : (ushort)0,
        };
        if (!Writer.TryWrite(buffer, packet, sent, out var length))
        {
            Transport.Stats.CountDrop(DropReason.SendFailed);
            return;
        }

        _sent?.Store(packet, now);
        _sequence++;
        Sender.OnSent(opus.Length, packet.Timestamp, now);
        Transport.SendRtp(length, now);
    }

    internal override void OnNack(NackReader sequences, long now)
    {
        while (sequences.MoveNext())
        {
            Transport.Stats.NacksReceived++;
            if (!IsPaused && _sent is not null)
            {
                _resender!.Resend(sequences.Current, _sent, _sequence - 1, Transport, now);
            }
        }
    }

    private protected override void Detach(long now)
    {
        _mixer.RemoveListener(_listener);
        Transport.Router.EndMixIfUnheard();
    }
}
