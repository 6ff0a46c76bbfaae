using VoiceCluster.Media.Mixing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>A stream of all other participants' sound, mixed.</summary>
public sealed class MixConsumer : Consumer, IMixSink
{
    private readonly Mixer _mixer;
    private readonly MixListener _listener;
    private readonly byte _payloadType;
    private readonly uint _timestampOffset;
    private long _sequence;

    internal MixConsumer(Transport transport, string id, RtpParameters parameters, ConsumerMapping mapping, bool paused, Mixer mixer)
        : base(transport, id, MediaKind.Audio, parameters, mapping, Opus.ClockRate, paused)
    {
        _mixer = mixer;
        _sequence = transport.Router.NextFirstSequence();
        _timestampOffset = transport.Router.NextSsrc();
        _payloadType = (byte)Array.Find(Router.RtpCapabilities.Codecs, c => c.Kind == MediaKind.Audio)!.PreferredPayloadType!.Value;
        _listener = mixer.AddListener(transport.Owner, this);
    }

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

        _sequence++;
        Sender.OnSent(opus.Length, packet.Timestamp, now);
        Transport.SendRtp(length, now);
    }

    private protected override void Detach(long now)
    {
        _mixer.RemoveListener(_listener);
        Transport.Router.EndMixIfUnheard();
    }
}
