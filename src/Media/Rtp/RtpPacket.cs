using System.Buffers.Binary;

namespace VoiceCluster.Media.Rtp;

/// <summary>A view of one RTP packet (RFC 3550 §5.1) over the bytes it came in; setters write through.</summary>
public ref struct RtpPacket
{
    /// <summary>Bytes of the fixed header.</summary>
    public const int FixedHeaderLength = 12;

    private readonly Span<byte> _bytes;
    private readonly int _extensionOffset;
    private readonly int _extensionLength;

    private RtpPacket(Span<byte> bytes, int extensionOffset, int extensionLength, int payloadOffset, int paddingLength)
    {
        _bytes = bytes;
        _extensionOffset = extensionOffset;
        _extensionLength = extensionLength;
        HeaderLength = payloadOffset;
        PaddingLength = paddingLength;
    }

    /// <summary>All bytes, header and padding included.</summary>
    public readonly Span<byte> Bytes => _bytes;

    /// <summary>Bytes before the payload: fixed header, CSRCs and extension.</summary>
    public int HeaderLength { get; }

    /// <summary>Bytes of padding after the payload.</summary>
    public int PaddingLength { get; }

    /// <summary>The payload without padding.</summary>
    public readonly Span<byte> Payload => _bytes[HeaderLength..^PaddingLength];

    public bool Marker
    {
        readonly get => (_bytes[1] & 0x80) != 0;
        set => _bytes[1] = (byte)((_bytes[1] & 0x7F) | (value ? 0x80 : 0));
    }

    public PayloadType PayloadType
    {
        readonly get => new((byte)(_bytes[1] & 0x7F));
        set => _bytes[1] = (byte)((_bytes[1] & 0x80) | (value.Value & 0x7F));
    }

    public SequenceNumber SequenceNumber
    {
        readonly get => new(BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..]));
        set => BinaryPrimitives.WriteUInt16BigEndian(_bytes[2..], value.Value);
    }

    public uint Timestamp
    {
        readonly get => BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);
        set => BinaryPrimitives.WriteUInt32BigEndian(_bytes[4..], value);
    }

    public Ssrc Ssrc
    {
        readonly get => new(BinaryPrimitives.ReadUInt32BigEndian(_bytes[8..]));
        set => BinaryPrimitives.WriteUInt32BigEndian(_bytes[8..], value.Value);
    }

    /// <summary>The "defined by profile" field; 0 without an extension.</summary>
    public readonly ushort ExtensionProfile => _extensionOffset == 0 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(_bytes[(_extensionOffset - 4)..]);

    /// <summary>The elements of the header extension, one-byte or two-byte.</summary>
    public readonly HeaderExtensionReader Extensions => new(ExtensionProfile, _extensionOffset == 0 ? default : _bytes.Slice(_extensionOffset, _extensionLength));

    /// <summary>Parses a packet; false when a length does not add up. Never reads outside <paramref name="bytes"/>.</summary>
    public static bool TryParse(Span<byte> bytes, out RtpPacket packet)
    {
        packet = default;

        // RFC 3550 §A.1: version 2, room for the header that the counts announce.
        if (bytes.Length < FixedHeaderLength || bytes[0] >> 6 != 2)
        {
            return false;
        }

        var offset = FixedHeaderLength + ((bytes[0] & 0x0F) * 4);
        var extensionOffset = 0;
        var extensionLength = 0;
        if ((bytes[0] & 0x10) != 0)
        {
            if (bytes.Length < offset + 4)
            {
                return false;
            }

            extensionLength = BinaryPrimitives.ReadUInt16BigEndian(bytes[(offset + 2)..]) * 4;
            extensionOffset = offset + 4;
            offset = extensionOffset + extensionLength;
        }

        if (bytes.Length < offset)
        {
            return false;
        }

        var padding = 0;
        if ((bytes[0] & 0x20) != 0)
        {
            // RFC 3550 §5.1: the last octet counts the padding, itself included.
            padding = bytes.Length == offset ? 0 : bytes[^1];
            if (padding == 0 || padding > bytes.Length - offset)
            {
                return false;
            }
        }

        packet = new RtpPacket(bytes, extensionOffset, extensionLength, offset, padding);
        return true;
    }

    /// <summary>The value of the element with this id, which may be written to; false when absent or <paramref name="id"/> is 0.</summary>
    public readonly bool TryGetExtension(byte id, out Span<byte> value)
    {
        value = default;
        if (id == 0 || _extensionOffset == 0)
        {
            return false;
        }

        var reader = Extensions;
        while (reader.MoveNext())
        {
            if (reader.Id == id)
            {
                value = reader.Value;
                return true;
            }
        }

        return false;
    }
}
