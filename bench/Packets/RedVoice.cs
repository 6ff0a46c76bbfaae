using System.Buffers.Binary;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Bench.Packets;

/// <summary>The same with redundancy (RFC 2198): a copy of the packet before, 120 bytes each.</summary>
internal sealed class RedVoice
{
    private const int Block = 120;

    private readonly byte[] _template = new byte[20 + 5 + Block + Block];
    private readonly byte[] _packet;
    private ushort _sequence;

    public RedVoice()
    {
        _packet = new byte[_template.Length];
        Random.Shared.NextBytes(_template);
        _template[0] = 0x90;
        _template[1] = 63;
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(8), Voice.Ssrc);
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(12), 0xBEDE0001);
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(16), 0x70940000);

        // F, payload type, 960 samples ago, its length; then the primary's payload type.
        BinaryPrimitives.WriteUInt32BigEndian(_template.AsSpan(20), 0x8000_0000 | (111u << 24) | (960u << 10) | Block);
        _template[24] = 111;
        _template[25] = _template[25 + Block] = 0x78;
    }

    /// <summary>mediasoup's parameters for it.</summary>
    public static RtpParameters Parameters { get; } = Voice.Parameters with
    {
        Codecs = [new RtpCodecParameters { MimeType = "audio/red", PayloadType = 63, ClockRate = 48_000, Channels = 2 }, .. Voice.Parameters.Codecs],
    };

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
