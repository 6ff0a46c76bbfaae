using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>What a message did to the decoder.</summary>
internal enum DecodeResult
{
    /// <summary>The client breaks the protocol: the connection is closed.</summary>
    Malformed,

    /// <summary>Attachments are still to come.</summary>
    NeedMore,

    /// <summary>A packet is complete.</summary>
    Packet,
}

/// <summary>Joins a binary packet's text with the attachments that follow it. Bounded in their number and in their bytes.</summary>
internal sealed class SocketPacketDecoder(int maxAttachments, int maxDepth, int maxBytes)
{
    private SocketPacket _pending;
    private ReadOnlyMemory<byte>[]? _attachments;
    private int _received;
    private long _bytes;

    public DecodeResult Decode(in EnginePacket message, out SocketPacket packet, out ReadOnlyMemory<byte>[] attachments)
    {
        packet = default;
        attachments = [];
        return message.IsBinary ? Attach(message.Data, ref packet, ref attachments) : Begin(message.Data, ref packet);
    }

    private DecodeResult Begin(ReadOnlyMemory<byte> text, ref SocketPacket packet)
    {
        // Text between the attachments of a packet means that the client lost its place.
        if (_attachments is not null || !SocketPacketParser.TryParse(text.Span, maxAttachments, maxDepth, out SocketPacket parsed))
        {
            return DecodeResult.Malformed;
        }

        if (parsed.Attachments == 0)
        {
            packet = parsed;
            return DecodeResult.Packet;
        }

        _pending = parsed;
        _attachments = new ReadOnlyMemory<byte>[parsed.Attachments];
        _received = 0;
        _bytes = text.Length;
        return DecodeResult.NeedMore;
    }

    private DecodeResult Attach(ReadOnlyMemory<byte> data, ref SocketPacket packet, ref ReadOnlyMemory<byte>[] attachments)
    {
        if (_attachments is null || _bytes + data.Length > maxBytes)
        {
            return DecodeResult.Malformed;
        }

        _bytes += data.Length;
        _attachments[_received++] = data;
        if (_received < _attachments.Length)
        {
            return DecodeResult.NeedMore;
        }

        packet = _pending;
        attachments = _attachments;
        _attachments = null;
        _pending = default;
        return DecodeResult.Packet;
    }
}
