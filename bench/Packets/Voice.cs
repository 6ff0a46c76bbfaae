using System.Buffers.Binary;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Bench.Packets;

/// <summary>A stream of sound as browsers send it: 120 bytes of payload, with its level.</summary>
internal sealed class Voice
{
    private readonly byte[] _template = new byte[140];
    private readonly byte[] _packet = new byte[140];
    private ushort _sequence;

    public Voice()
    {
        Random.Shared.NextBytes(_template);
        _template[0] = 0x90;
        _template[1] = 111;
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(8), Ssrc);
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(12), 0xBEDE0001);
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(16), 0x70940000);
        _template[20] = 0x78;
        Next();
    }

    public const uint Ssrc = 1234;

    /// <summary>mediasoup's parameters for it.</summary>
    public static RtpParameters Parameters { get; } = RtpParameters.TryParse(
        $$$"""
        {"mid":"0","codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2,"parameters":{},"rtcpFeedback":[]}],
        "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:ssrc-audio-level","id":7,"encrypt":false,"parameters":{}}],
        "encodings":[{"ssrc":{{{Ssrc}}}}],"rtcp":{"cname":"voice","reducedSize":true} }
        """,
        out var parameters,
        out var error) ? parameters : throw new FormatException(error);

    /// <summary>The last packet.</summary>
    public Span<byte> Current => _packet;

    /// <summary>The next packet.</summary>
    public Span<byte> Next()
    {
        _sequence++;
        BinaryPrimitives.WriteUInt16BigEndian(_template.AsSpan(2), _sequence);
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(4), _sequence * 960u);
        _template.CopyTo(_packet, 0);
        return _packet;
    }
}
