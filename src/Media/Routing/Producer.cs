using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Mixing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>A source of media in a router. Its packets go to its consumers in one flat loop.</summary>
public sealed partial class Producer
{
    private const byte NotMapped = 0xFF;

    private readonly byte[] _payloadTypes = new byte[128];
    private readonly byte[] _associated = new byte[128];
    private readonly PayloadFormat[] _formats = new PayloadFormat[128];
    private readonly byte[] _extensionIds = new byte[256];
    private readonly RtpStreamReceiver?[] _streams;
    private readonly Mid[] _rids;
    private readonly byte _audioLevelId;

    // The payload type of the blocks of its redundant audio.
    private readonly byte _blockType;
    private readonly int _clockRate;
    private readonly bool _useNack;
    private readonly ActiveSpeakerDetector.Voice? _voice;
    private ProducerConsumer[] _consumers = [];

    // Those of them that get its sound also while it is held back.
    private ProducerConsumer[] _unlimited = [];
    private SlotConsumer[] _slots = new SlotConsumer[4];
    private int _slotCount;

    // Somebody who gets its sound may ask for a packet again.
    private bool _keepsSound;
    private OpusLevelMeter? _meter;
    private MixSource? _mix;
    private RtpStreamReceiver? _mixed;
    private int _mixedEpoch;

    internal Producer(Transport transport, string id, MediaKind kind, RtpParameters parameters, RtpParameters consumable, ProducerMapping mapping, bool paused)
    {
        Transport = transport;
        Id = id;
        Kind = kind;
        RtpParameters = parameters;
        ConsumableParameters = consumable;
        IsPaused = paused;
        _streams = new RtpStreamReceiver?[parameters.Encodings.Length];
        _rids = new Mid[parameters.Encodings.Length];
        KeyFrames = new KeyFrameRequests(_streams.Length);
        _kept = kind == MediaKind.Video ? new (RtpStreamReceiver, long)[MaxKept] : [];
        for (var i = 0; i < _rids.Length; i++)
        {
            Mid.TryParse(parameters.Encodings[i].Rid, out _rids[i]);
        }

        Array.Fill(_payloadTypes, NotMapped);
        Array.Fill(_associated, NotMapped);
        foreach (var codec in parameters.Codecs)
        {
            if (Ortc.IsRtx(codec.MimeType))
            {
                _associated[codec.PayloadType] = (byte)CodecFields.Int(codec.Parameters, CodecFields.AssociatedPayloadType)!.Value;
                continue;
            }

            _payloadTypes[codec.PayloadType] = (byte)mapping.PayloadTypes[codec.PayloadType];
            _formats[codec.PayloadType] = VideoFrame.FormatOf(codec.MimeType);
            _clockRate = _clockRate == 0 ? codec.ClockRate : _clockRate;
            _useNack |= Array.Exists(codec.RtcpFeedback, f => f.Type == "nack" && string.IsNullOrEmpty(f.Parameter));
            UsesRemb |= Array.Exists(codec.RtcpFeedback, f => f.Type == "goog-remb");
        }

        _blockType = (byte)(RedundantAudio.BlockTypeOf(parameters.Codecs) ?? NotMapped);
        if (_blockType != NotMapped)
        {
            // Also of a sender that has declared redundant audio alone: what its copies give back is a packet of this type.
            (_payloadTypes[_blockType], _formats[_blockType]) = (SupportedCapabilities.OpusPayloadType, PayloadFormat.Opus);
        }

        foreach (var extension in parameters.HeaderExtensions)
        {
            // Written anew for each consumer: mid, abs-send-time, transport-cc. Never passed on: rid, rrid.
            var known = extension.Uri is HeaderExtensionUris.AudioLevel or HeaderExtensionUris.VideoOrientation or HeaderExtensionUris.TimeOffset
                or HeaderExtensionUris.AbsCaptureTime or HeaderExtensionUris.PlayoutDelay;
            var routed = Array.Find(consumable.HeaderExtensions, e => e.Uri == extension.Uri);
            if (known && routed is not null)
            {
                _extensionIds[extension.Id] = (byte)routed.Id;
            }

            if (extension.Uri == HeaderExtensionUris.AudioLevel)
            {
                _audioLevelId = (byte)extension.Id;
            }
        }

        _voice = kind == MediaKind.Audio ? transport.Router.Speakers.Add(this) : null;
    }

    public string Id { get; }

    public MediaKind Kind { get; }

    public Transport Transport { get; }

    /// <summary>Whose it is: the transport's owner, or who is behind a pipe.</summary>
    public required string Owner { get; init; }

    /// <summary>What the client sends.</summary>
    public RtpParameters RtpParameters { get; }

    public bool IsPaused { get; private set; }

    public bool IsClosed { get; private set; }

    /// <summary>True while it is not among the room's top speakers: then nothing of it goes to clients that consume it.</summary>
    public bool IsHeldBack { get; private set; }

    /// <summary>Packets taken from the sender for forwarding.</summary>
    public long Packets { get; private set; }

    /// <summary>The same in the router's payload types and ids.</summary>
    internal RtpParameters ConsumableParameters { get; }

    internal KeyFrameRequests KeyFrames { get; }

    internal bool UsesRemb { get; }

    internal int ClockRate => _clockRate;

    /// <summary>By encoding; null while nothing came.</summary>
    internal ReadOnlySpan<RtpStreamReceiver?> Streams => _streams;

    internal ReadOnlySpan<ProducerConsumer> Consumers => _consumers;

    /// <summary>Its sound in the mix; null while there is none.</summary>
    internal MixSource? MixSource => _mix;

    /// <summary>Whether anything consumes it by itself; slots and the mix do not count.</summary>
    public bool HasConsumers => _consumers.Length > 0;

    /// <summary>Its loudness; null for video.</summary>
    internal ActiveSpeakerDetector.Voice? Voice => _voice;

    /// <summary>Drops what comes until <see cref="Resume"/>. A paused producer never speaks.</summary>
    public void Pause(long now)
    {
        if (IsPaused || IsClosed)
        {
            return;
        }

        IsPaused = true;
        KeyFrames.Clear();
        _mix?.Silence();
        foreach (var consumer in _consumers)
        {
            consumer.OnProducerPaused(now);
        }

        for (var i = 0; i < _slotCount; i++)
        {
            _slots[i].OnProducerPaused(now);
        }

        if (_voice is not null)
        {
            ActiveSpeakerDetector.Silence(_voice);
            Transport.Router.ReportSpeakers(now);
        }
    }

    /// <summary>Forwards again: sound at once, video from the next key frame, which is asked for.</summary>
    public void Resume(long now)
    {
        if (!IsPaused || IsClosed)
        {
            return;
        }

        IsPaused = false;
        foreach (var consumer in _consumers)
        {
            consumer.OnProducerResumed(now);
        }
    }

    /// <summary>The level of a producer whose packets do not carry it (RFC 6464 form).</summary>
    public void SetAudioLevel(AudioLevel level, long now)
    {
        if (_voice is not null && !IsPaused && !IsClosed && Transport.Router.Speakers.OnLevel(_voice, level, now))
        {
            Transport.Router.ReportSpeakers(now);
        }
    }

    /// <summary>Closes it and all its consumers.</summary>
    public void Close(long now)
    {
        if (IsClosed)
        {
            return;
        }

        IsClosed = true;
        foreach (var consumer in _consumers)
        {
            consumer.Close(now);
        }

        if (_voice is not null)
        {
            Transport.Router.Speakers.Remove(_voice);
            Transport.Router.ReportSpeakers(now);
        }

        LeaveMix();
        _meter?.Dispose();
        while (_slotCount > 0)
        {
            _slots[_slotCount - 1].SwitchTo(null, now);
        }

        Transport.OnProducerClosed(this);
        Transport.Router.OnProducerClosed(this);
    }

    internal void AddConsumer(ProducerConsumer consumer)
    {
        _consumers = [.. _consumers, consumer];
        _keepsSound |= consumer.Resends;
        if (!consumer.Transport.IsClient)
        {
            _unlimited = [.. _unlimited, consumer];
        }
    }

    internal void RemoveConsumer(ProducerConsumer consumer)
    {
        _consumers = Array.FindAll(_consumers, c => c != consumer);
        _unlimited = Array.FindAll(_unlimited, c => c != consumer);
    }

    /// <summary>It has lost its place among the top speakers: for the clients its sound ends as by a pause.</summary>
    internal void HoldBack(long now)
    {
        if (!IsHeldBack)
        {
            IsHeldBack = true;
            foreach (var consumer in _consumers)
            {
                if (consumer.Transport.IsClient)
                {
                    consumer.OnProducerPaused(now);
                }
            }
        }
    }

    /// <summary>It has a place again: clients get it with the next packet, as after a pause.</summary>
    internal void LetThrough(long now)
    {
        if (IsHeldBack)
        {
            IsHeldBack = false;
            foreach (var consumer in _consumers)
            {
                if (consumer.Transport.IsClient)
                {
                    consumer.OnProducerResumed(now);
                }
            }
        }
    }

    /// <summary>Adds a slot that plays this producer for now; answers its place, for <see cref="RemoveSlot"/>.</summary>
    internal int AddSlot(SlotConsumer slot)
    {
        if (_slotCount == _slots.Length)
        {
            Array.Resize(ref _slots, _slotCount * 2);
        }

        _slots[_slotCount] = slot;
        _keepsSound |= slot.Resends;
        return _slotCount++;
    }

    /// <summary>Ends a slot's listening; the last slot takes its place.</summary>
    internal void RemoveSlot(int place)
    {
        var last = _slots[--_slotCount];
        _slots[place] = last;
        last.Place = place;
        _slots[_slotCount] = null!;
    }

    /// <summary>From now on its sound goes to the mixer too.</summary>
    internal void JoinMix(Mixer mixer) => _mix = _voice is null ? null : mixer.AddSource(Owner);

    internal void LeaveMix()
    {
        if (_mix is not null)
        {
            Transport.Router.Mixer?.RemoveSource(_mix);
            (_mix, _mixed) = (null, null);
        }
    }

    /// <summary>The encoding with this RID, or -1.</summary>
    internal int EncodingOf(Mid rid) => Array.IndexOf(_rids, rid);

    internal bool IsRtx(PayloadType payloadType) => _associated[payloadType.Value] != NotMapped;

    internal PayloadType? AssociatedOf(PayloadType rtx) => _associated[rtx.Value] == NotMapped ? null : new PayloadType(_associated[rtx.Value]);

    /// <summary>Makes the stream of an encoding, in place of an older one.</summary>
    internal RtpStreamReceiver OpenStream(int encoding, Ssrc ssrc)
    {
        var stream = new RtpStreamReceiver(this, encoding, ssrc, _clockRate, _useNack, keepHistory: Kind == MediaKind.Video);
        _streams[encoding] = stream;
        return stream;
    }

    /// <summary>A packet of one of the streams, restored if it came by RTX. False when it is dropped, with the reason.</summary>
    internal bool Receive(RtpStreamReceiver stream, ref RtpPacket packet, bool isRetransmission, long now, out DropReason reason)
    {
        var payloadType = packet.PayloadType.Value;
        if (_payloadTypes[payloadType] == NotMapped)
        {
            reason = DropReason.UnknownPayloadType;
            return false;
        }

        if (!stream.Statistics.TryAccept(packet.SequenceNumber, out var sequence, out var restarted))
        {
            if (stream.Statistics.IsLateOriginal(sequence) && !isRetransmission)
            {
                stream.Statistics.CountReceived(packet.Timestamp, now);
            }

            reason = DropReason.Duplicate;
            return false;
        }

        if (restarted)
        {
            stream.Epoch++;
            stream.Silence = default;
            stream.Newest = default;
            stream.Nack?.Reset();
        }

        if (!isRetransmission)
        {
            stream.Statistics.CountReceived(packet.Timestamp, now);
        }

        stream.LastPacketAt = now;
        if (stream.Nack is not null && !stream.Nack.OnPacket(sequence, isRetransmission, now))
        {
            RequestKeyFrame(stream.EncodingIndex, now);
        }

        if (IsPaused)
        {
            reason = DropReason.ProducerPaused;
            return false;
        }

        Packets++;
        var arrived = new Arrival
        {
            Sequence = sequence,
            Timestamp = packet.Timestamp,
            PayloadType = payloadType,
            Marker = packet.Marker,
            Extensions = packet.Extensions,
            Payload = packet.Payload,
            PrimaryAt = 0,
        };
        if (_formats[payloadType] == PayloadFormat.Red && !TryOpen(stream, packet.Payload, ref arrived, now))
        {
            reason = DropReason.RedMalformed;
            return false;
        }

        if (_voice is not null && TryGetLevel(packet, arrived, now, out var level) && Transport.Router.Speakers.OnLevel(_voice, level, now))
        {
            Transport.Router.ReportSpeakers(now);
        }

        PassOn(stream, arrived, now);
        reason = DropReason.None;
        return true;
    }

    /// <summary>Asks the sender for a key frame now, or as soon as the limit of one a second allows.</summary>
    internal void RequestKeyFrame(int encoding, long now)
    {
        if (Kind == MediaKind.Video && !IsPaused && !IsClosed && encoding < _streams.Length)
        {
            KeyFrames.Want(encoding);
            Transport.SendKeyFrameRequests(this, now);
        }
    }

    // RFC 6464 where the sender gives it; else the sound has to be decoded to know.
    private bool TryGetLevel(in RtpPacket packet, in Arrival arrived, long now, out AudioLevel level)
    {
        if (packet.TryGetExtension(_audioLevelId, out var element))
        {
            return AudioLevel.TryParse(element, out level);
        }

        if (_meter is null && OpusSupport.IsAvailable)
        {
            _meter = new OpusLevelMeter();
        }

        level = default;
        return _meter is not null && _meter.TryMeasure(arrived.Sequence, arrived.Primary, now, out level);
    }

    // To who consumes it, and to the mix.
    private void PassOn(RtpStreamReceiver stream, in Arrival arrived, long now)
    {
        Forward(stream, arrived, now);
        if (_mix is not null)
        {
            Mix(_mix, stream, arrived, now);
        }
    }

    private void Mix(MixSource source, RtpStreamReceiver stream, in Arrival arrived, long now)
    {
        if (stream != _mixed || stream.Epoch != _mixedEpoch)
        {
            source.Silence();
            (_mixed, _mixedEpoch) = (stream, stream.Epoch);
        }

        source.Level = (int)_voice!.Level;
        source.Push(arrived.Sequence, arrived.Timestamp, arrived.Primary, now);
    }

    private void Forward(RtpStreamReceiver stream, in Arrival arrived, long now)
    {
        var consumers = IsHeldBack ? _unlimited : _consumers;
        if (consumers.Length + _slotCount == 0 && stream.History is null)
        {
            if (IsHeldBack)
            {
                Transport.Stats.CountDrop(DropReason.NotTopSpeaker);
            }

            return;
        }

        var sequence = arrived.Sequence;
        var payload = arrived.Payload;
        if (payload.IsEmpty)
        {
            // A bandwidth probe: consumers close the gap.
            Skip(consumers, stream, sequence);
            return;
        }

        var format = _formats[arrived.PayloadType];
        var marker = arrived.Marker;
        if (format is PayloadFormat.Opus or PayloadFormat.Red && !Transport.Router.Options.ForwardsSilence)
        {
            if (!stream.Silence.Takes(sequence, arrived.Timestamp, arrived.Primary, out var begins))
            {
                Skip(consumers, stream, sequence);
                Transport.Stats.CountDrop(DropReason.Silence);
                return;
            }

            marker |= begins;
        }

        var source = new SourcePacket
        {
            Sequence = sequence,
            Timestamp = arrived.Timestamp,
            PayloadType = _payloadTypes[arrived.PayloadType],
            Marker = marker,
            Extensions = RouteExtensions(arrived.Extensions),
            Payload = payload,
            Format = format,
            Frame = VideoFrame.Read(format, payload),
            PrimaryAt = arrived.PrimaryAt,
        };
        stream.History?.Store(source, now);
        if (_keepsSound)
        {
            (stream.RecentSound ??= PacketHistory.OfSound()).Store(source, now);
        }

        stream.Note(source.Frame, payload.Length, now);
        if (source.Frame.IsKeyFrame)
        {
            KeyFrames.OnKeyFrame(stream.EncodingIndex);
        }

        if (stream.History is not null && Transport.Router.Bursts is { IsOpen: true } bursts)
        {
            Keep(bursts, stream, sequence, now);
            return;
        }

        for (var i = 0; i < consumers.Length; i++)
        {
            LookAhead(consumers, consumers.Length, i, sequence);
            consumers[i].Forward(stream, source, now);
        }

        for (var i = 0; i < _slotCount; i++)
        {
            LookAhead(_slots, _slotCount, i, sequence);
            _slots[i].Forward(stream, source, now);
        }
    }

    // Consumers leave it out without a gap in their numbers.
    private void Skip(ProducerConsumer[] consumers, RtpStreamReceiver stream, long sequence)
    {
        foreach (var consumer in consumers)
        {
            consumer.Skip(stream, sequence);
        }

        for (var i = 0; i < _slotCount; i++)
        {
            _slots[i].Skip(stream, sequence);
        }
    }

    private ReadOnlySpan<byte> RouteExtensions(HeaderExtensionReader reader)
    {
        var scratch = Transport.Router.Scratch.Extension;
        var length = 0;
        while (reader.MoveNext())
        {
            var id = _extensionIds[reader.Id];
            if (id == 0 || reader.Value.Length is 0 or > 16 || length + 1 + reader.Value.Length > scratch.Length)
            {
                continue;
            }

            scratch[length++] = (byte)((id << 4) | (reader.Value.Length - 1));
            reader.Value.CopyTo(scratch.AsSpan(length));
            length += reader.Value.Length;
        }

        return scratch.AsSpan(0, length);
    }

    /// <summary>One packet of the sender, in its own terms.</summary>
    private ref struct Arrival
    {
        public required long Sequence;
        public required uint Timestamp;
        public required byte PayloadType;
        public required bool Marker;
        public required HeaderExtensionReader Extensions;
        public required ReadOnlySpan<byte> Payload;

        /// <summary>Where its redundancy ends.</summary>
        public required int PrimaryAt;

        public readonly ReadOnlySpan<byte> Primary => Payload[PrimaryAt..];
    }
}
