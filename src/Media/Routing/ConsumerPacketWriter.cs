using System.Buffers.Binary;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>Writes a source packet as one consumer is to have it. The same input gives the same bytes.</summary>
internal sealed class ConsumerPacketWriter
{
    /// <summary>Bytes left free for SRTP's tag, of which the longest is 16, and a margin.</summary>
    private const int TagRoom = 32;

    /// <summary>Bytes of a packet of padding alone, as WebRTC's own senders have them.</summary>
    private const byte PaddingLength = 224;

    /// <summary>
    /// Bytes for which a MID has room at least: "9" and "10" make packets of one length, and only such leave together for one receiver.
    /// </summary>
    private const int EvenMid = 2;

    /// <summary>RFC 6464: no voice, and the lowest level.</summary>
    private const byte SilentLevel = 127;

    private readonly byte[] _rtxOf = new byte[128];
    private readonly byte[] _mid = new byte[Rtp.Mid.MaxLength];
    private readonly int _midLength;
    private readonly int _midId;
    private readonly int _absSendTimeId;
    private readonly int _transportSequenceId;
    private readonly ConsumerMapping _mapping;
    private readonly byte _opus;
    private readonly byte _firstRtx;
    private readonly byte[] _silentLevel = [];
    private readonly long _unixTimeOffset;

    public ConsumerPacketWriter(RtpParameters parameters, ConsumerMapping mapping, long unixTimeOffset)
    {
        _mapping = mapping;
        _unixTimeOffset = unixTimeOffset;
        Ssrc = new Ssrc(parameters.Encodings[0].Ssrc!.Value);
        RtxSsrc = parameters.Encodings[0].Rtx is { } rtx ? new Ssrc(rtx.Ssrc) : null;
        if (Rtp.Mid.TryParse(parameters.Mid, out var mid))
        {
            _midLength = mid.Write(_mid);
        }

        foreach (var extension in parameters.HeaderExtensions)
        {
            switch (extension.Uri)
            {
                case HeaderExtensionUris.Mid:
                    _midId = _midLength == 0 ? 0 : extension.Id;
                    break;
                case HeaderExtensionUris.AbsSendTime:
                    _absSendTimeId = extension.Id;
                    break;
                case HeaderExtensionUris.TransportWideCc:
                    _transportSequenceId = extension.Id;
                    break;
                case HeaderExtensionUris.AudioLevel:
                    _silentLevel = [(byte)(mapping.RouterIdOf(extension.Id) << 4), SilentLevel];
                    break;
                default:
                    break;
            }
        }

        foreach (var codec in parameters.Codecs)
        {
            if (VideoFrame.FormatOf(codec.MimeType) == PayloadFormat.Opus)
            {
                (_opus, HasSilence) = ((byte)codec.PayloadType, true);
            }

            if (Ortc.IsRtx(codec.MimeType) && RtxSsrc is not null)
            {
                _firstRtx = _firstRtx == 0 ? (byte)codec.PayloadType : _firstRtx;
                _rtxOf[CodecFields.Int(codec.Parameters, CodecFields.AssociatedPayloadType)!.Value & 0x7F] = (byte)codec.PayloadType;
            }
        }
    }

    public Ssrc Ssrc { get; }

    public Ssrc? RtxSsrc { get; }

    public bool UsesTransportSequence => _transportSequenceId != 0;

    /// <summary>True when there is a codec of which we can write silence.</summary>
    public bool HasSilence { get; }

    /// <summary>Whether the receiver knows the packet's payload type, or can have it without its redundancy.</summary>
    public bool Takes(in SourcePacket packet) => Knows(packet.PayloadType) || (packet.PrimaryAt != 0 && Knows(SupportedCapabilities.OpusPayloadType));

    /// <summary>Bytes of the payload as the receiver gets it.</summary>
    public int PayloadLengthOf(in SourcePacket packet) => packet.Payload.Length - (Knows(packet.PayloadType) ? 0 : packet.PrimaryAt);

    public bool HasRtx(byte payloadType) => Knows(payloadType) && _rtxOf[_mapping.PayloadTypeOf(payloadType)] != 0;

    /// <summary>Asks for what it needs for the next packet.</summary>
    public void Prefetch()
    {
        Interop.Prefetch.Object(_mapping);
        Interop.Prefetch.Object(_mid);
    }

    public bool TryWrite(Span<byte> buffer, in SourcePacket packet, in SentPacket sent, out int length)
        => packet.PrimaryAt == 0
            ? TryWrite(buffer, packet, sent, Ssrc, _mapping.PayloadTypeOf(packet.PayloadType), (ushort)sent.Output, 0, out length)
            : TryWriteRed(buffer, packet, sent, out length);

    public bool TryWriteSilence(Span<byte> buffer, in SentPacket sent, out int length)
    {
        var silence = new SourcePacket
        {
            Sequence = sent.Output,
            Timestamp = sent.Timestamp,
            PayloadType = _opus,
            Marker = false,
            Extensions = _silentLevel,
            Payload = Opus.Silence,
            Format = PayloadFormat.Opus,
        };
        return TryWrite(buffer, silence, sent, Ssrc, _opus, (ushort)sent.Output, 0, out length);
    }

    /// <summary>Wraps it as a retransmission (RFC 4588 §4).</summary>
    public bool TryWriteRtx(Span<byte> buffer, in SourcePacket packet, in SentPacket sent, ushort rtxSequence, out int length)
        => TryWrite(buffer, packet, sent, RtxSsrc!.Value, _rtxOf[_mapping.PayloadTypeOf(packet.PayloadType)], rtxSequence, Rtx.OverheadLength, out length);

    /// <summary>Writes padding alone on the RTX stream (RFC 3550 §5.1); false when there is no such stream or no room.</summary>
    public bool TryWritePadding(Span<byte> buffer, in SentPacket sent, ushort rtxSequence, out int length)
    {
        length = 0;
        if (RtxSsrc is null || _firstRtx == 0)
        {
            return false;
        }

        var empty = new SourcePacket { Sequence = 0, Timestamp = 0, PayloadType = 0, Marker = false, Extensions = [], Payload = [], Format = PayloadFormat.Opaque };
        if (!TryWrite(buffer, empty, sent, RtxSsrc.Value, _firstRtx, rtxSequence, 0, out length) || length + PaddingLength + TagRoom > buffer.Length)
        {
            return false;
        }

        buffer.Slice(length, PaddingLength).Clear();
        length += PaddingLength;
        buffer[length - 1] = PaddingLength;
        buffer[0] |= 0x20;
        return true;
    }

    private bool TryWrite(Span<byte> buffer, in SourcePacket packet, in SentPacket sent, Ssrc ssrc, byte payloadType, ushort sequence, int overhead, out int length)
    {
        // The most that the header can take: fixed part, extension head, mid, abs-send-time, transport-cc, padding.
        var bound = RtpPacket.FixedHeaderLength + 4 + 17 + 4 + 3 + packet.Extensions.Length + 3 + overhead + packet.Payload.Length + TagRoom;
        length = 0;
        if (bound > buffer.Length)
        {
            return false;
        }

        buffer[0] = 0x80;
        buffer[1] = (byte)(payloadType | (packet.Marker || sent.EndsPicture ? 0x80 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[4..], sent.Timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[8..], ssrc.Value);
        var extensions = new HeaderExtensionWriter(buffer, RtpPacket.FixedHeaderLength);
        if (_midId != 0)
        {
            _mid.AsSpan(0, _midLength).CopyTo(extensions.Add(_midId, _midLength));
        }

        if (_absSendTimeId != 0)
        {
            var time = NtpTime.FromUnixMicroseconds(sent.SentAt + _unixTimeOffset).ToAbsSendTime();
            var value = extensions.Add(_absSendTimeId, 3);
            value[0] = (byte)(time >> 16);
            BinaryPrimitives.WriteUInt16BigEndian(value[1..], (ushort)time);
        }

        if (_transportSequenceId != 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(extensions.Add(_transportSequenceId, 2), sent.TransportSequence);
        }

        AddPassedOn(ref extensions, packet.Extensions);
        var start = extensions.Finish(_midId == 0 ? 0 : Math.Max(0, EvenMid - _midLength));
        if (overhead != 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(buffer[start..], (ushort)sent.Output);
            start += overhead;
        }

        var payload = buffer.Slice(start, packet.Payload.Length);
        packet.Payload.CopyTo(payload);
        if ((sent.PictureIdShift != 0 || sent.Tl0Shift != 0) && PictureIndex.TryRead(packet.Format, payload, out var pictures))
        {
            pictures.Shift(payload, sent.PictureIdShift, sent.Tl0Shift);
        }

        length = start + payload.Length;
        return true;
    }

    private bool Knows(byte payloadType) => _mapping.PayloadTypeOf(payloadType) != ConsumerMapping.NotMapped;

    // With its redundancy, in which only the number of the blocks' payload type differs, or without.
    private bool TryWriteRed(Span<byte> buffer, in SourcePacket packet, in SentPacket sent, out int length)
    {
        var opus = _mapping.PayloadTypeOf(SupportedCapabilities.OpusPayloadType);
        if (!Knows(packet.PayloadType))
        {
            var primary = new SourcePacket
            {
                Sequence = packet.Sequence,
                Timestamp = packet.Timestamp,
                PayloadType = SupportedCapabilities.OpusPayloadType,
                Marker = packet.Marker,
                Extensions = packet.Extensions,
                Payload = packet.Payload[packet.PrimaryAt..],
                Format = PayloadFormat.Opus,
            };
            return TryWrite(buffer, primary, sent, Ssrc, opus, (ushort)sent.Output, 0, out length);
        }

        if (!TryWrite(buffer, packet, sent, Ssrc, _mapping.PayloadTypeOf(packet.PayloadType), (ushort)sent.Output, 0, out length))
        {
            return false;
        }

        if (opus != SupportedCapabilities.OpusPayloadType)
        {
            RedPayload.SetPayloadType(buffer[(length - packet.Payload.Length)..length], opus);
        }

        return true;
    }

    private void AddPassedOn(ref HeaderExtensionWriter extensions, ReadOnlySpan<byte> elements)
    {
        while (!elements.IsEmpty)
        {
            var length = 2 + (elements[0] & 0x0F);
            var id = _mapping.ExtensionIdOf(elements[0] >> 4);
            if (id != 0)
            {
                elements[1..length].CopyTo(extensions.Add(id, length - 1));
            }

            elements = elements[length..];
        }
    }
}
