using System.Buffers.Binary;

namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>
/// A payload of redundant audio (RFC 2198 §3) of one codec: copies of earlier packets, the oldest first, then the primary block, which is the
/// packet itself. A view; nothing is copied.
/// </summary>
public readonly ref struct RedPayload
{
    /// <summary>Bytes of a redundant block's header: F, payload type, 14 bits of time, 10 of length.</summary>
    private const int HeaderLength = 4;

    /// <summary>The F bit: another block follows.</summary>
    private const byte Follows = 0x80;

    private readonly ReadOnlySpan<byte> _payload;

    private RedPayload(ReadOnlySpan<byte> payload, int copies, int primaryAt)
    {
        _payload = payload;
        Copies = copies;
        PrimaryAt = primaryAt;
    }

    /// <summary>Redundant blocks.</summary>
    public int Copies { get; }

    /// <summary>Where the primary block begins; never 0.</summary>
    public int PrimaryAt { get; }

    /// <summary>The packet itself.</summary>
    public ReadOnlySpan<byte> Primary => _payload[PrimaryAt..];

    /// <summary>
    /// Reads the headers. False when they are cut off, when lengths do not add up, when a block is of another payload type than
    /// <paramref name="payloadType"/>, or when there is no primary.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, byte payloadType, out RedPayload red)
    {
        red = default;
        var at = 0;
        var lengths = 0;
        while (at < payload.Length && (payload[at] & Follows) != 0)
        {
            if (payload.Length - at < HeaderLength || (payload[at] & 0x7F) != payloadType)
            {
                return false;
            }

            lengths += LengthOf(payload[at..]);
            at += HeaderLength;
        }

        var primaryAt = at + 1 + lengths;
        if (primaryAt >= payload.Length || payload[at] != payloadType)
        {
            return false;
        }

        red = new RedPayload(payload, at / HeaderLength, primaryAt);
        return true;
    }

    /// <summary>Writes another payload type into the headers, which have been parsed.</summary>
    public static void SetPayloadType(Span<byte> payload, byte payloadType)
    {
        var at = 0;
        for (; (payload[at] & Follows) != 0; at += HeaderLength)
        {
            payload[at] = (byte)(Follows | payloadType);
        }

        payload[at] = payloadType;
    }

    /// <summary>The copies, oldest first.</summary>
    public Enumerator GetEnumerator() => new(this);

    private static int LengthOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt16BigEndian(header[2..]) & 0x3FF;

    /// <summary>A copy of an earlier packet.</summary>
    public readonly ref struct Copy
    {
        /// <summary>Packets between it and the primary, and one: the last copy's is 1.</summary>
        public required int Back { get; init; }

        /// <summary>RTP time between it and the primary.</summary>
        public required uint TimestampOffset { get; init; }

        /// <summary>May be empty.</summary>
        public required ReadOnlySpan<byte> Payload { get; init; }
    }

    /// <summary>Walks the copies.</summary>
    public ref struct Enumerator
    {
        private readonly RedPayload _red;
        private int _index = -1;
        private int _start;
        private int _length;

        internal Enumerator(RedPayload red)
        {
            _red = red;
            _start = (red.Copies * HeaderLength) + 1;
        }

        /// <summary>The present copy.</summary>
        public readonly Copy Current => new()
        {
            Back = _red.Copies - _index,
            TimestampOffset = (uint)(BinaryPrimitives.ReadUInt16BigEndian(Header[1..]) >> 2),
            Payload = _red._payload.Slice(_start, _length),
        };

        private readonly ReadOnlySpan<byte> Header => _red._payload[(_index * HeaderLength)..];

        /// <summary>Goes on to the next one.</summary>
        public bool MoveNext()
        {
            if (++_index >= _red.Copies)
            {
                return false;
            }

            _start += _length;
            _length = LengthOf(Header);
            return true;
        }
    }
}
