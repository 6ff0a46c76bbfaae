using System.Buffers.Binary;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Bench.Packets;

/// <summary>A stream of VP8 as browsers send it: 1,150 bytes of payload, with picture id and temporal layer (RFC 7741 §4.2). The first packet is a key frame.</summary>
internal sealed class Picture
{
    public const uint Ssrc = 4321;

    private readonly byte[] _template = new byte[12 + 1150];
    private readonly byte[] _packet = new byte[12 + 1150];
    private ushort _sequence;

    public Picture()
    {
        Random.Shared.NextBytes(_template);
        _template[0] = 0x80;
        _template[1] = 96 | 0x80;
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(8), Ssrc);

        // X and S; I, L and T; 15 bits of picture id; TL0PICIDX; temporal layer 0; then P of the frame's first byte, 0 for a key frame.
        _template[12] = 0x90;
        _template[13] = 0xE0;
        _template[17] = 0x20;
        _template[18] = 0x10;
    }

    /// <summary>mediasoup's parameters for it.</summary>
    public static RtpParameters Parameters { get; } = RtpParameters.TryParse(
        $$$"""
        {"mid":"1","codecs":[{"mimeType":"video/VP8","payloadType":96,"clockRate":90000,"parameters":{},
        "rtcpFeedback":[{"type":"nack","parameter":"pli"},{"type":"ccm","parameter":"fir"}]}],"headerExtensions":[],
        "encodings":[{"ssrc":{{{Ssrc}}}}],"rtcp":{"cname":"picture","reducedSize":true} }
        """,
        out var parameters,
        out var error) ? parameters : throw new FormatException(error);

    /// <summary>The next packet.</summary>
    public Span<byte> Next()
    {
        _sequence++;
        BinaryPrimitives.WriteUInt16BigEndian(_template.AsSpan(2), _sequence);
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(4), _sequence * 3_000u);
        BinaryPrimitives.WriteUInt16BigEndian(_template.AsSpan(14), (ushort)(0x8000 | (_sequence & 0x7FFF)));
        _template[16] = (byte)_sequence;
        _template.CopyTo(_packet, 0);
        _template[18] |= 1;
        return _packet;
    }
}
