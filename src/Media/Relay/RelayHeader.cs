using System.Buffers.Binary;

namespace VoiceCluster.Media.Relay;

/// <summary>The 51 bytes before each relay payload, all big-endian; see docs/protocols/channels.md.</summary>
public readonly record struct RelayHeader
{
    /// <summary>Bytes.</summary>
    public const int Length = 51;

    /// <summary>The bit of the type byte that says that the payload is encrypted.</summary>
    public const byte EncryptedBit = 0x80;

    /// <summary>Where the type byte is.</summary>
    internal const int TypeOffset = 44;

    /// <summary>The user id, as its 16 bytes in network order; 0 in what the server itself says, and in the mix.</summary>
    public UInt128 User { get; init; }

    /// <summary>The channel id, likewise.</summary>
    public UInt128 Channel { get; init; }

    /// <summary>Counts Audio and Silence; the others carry the number that the next of these will have.</summary>
    public uint Sequence { get; init; }

    /// <summary>Microseconds of the sender's clock, below 2^63.</summary>
    public ulong Timestamp { get; init; }

    /// <summary>What it is.</summary>
    public RelayPacketType Type { get; init; }

    /// <summary>Whether the payload is AES-128-GCM.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>Hz; Opus tells by itself, so it is only checked for plausibility.</summary>
    public uint SampleRate { get; init; }

    /// <summary>1 or 2.</summary>
    public ushort Channels { get; init; }

    /// <summary>Reads a header; false when the datagram is too short or a field has no meaning.</summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out RelayHeader header)
    {
        header = default;
        if (datagram.Length < Length)
        {
            return false;
        }

        var type = datagram[TypeOffset];
        header = new RelayHeader
        {
            User = BinaryPrimitives.ReadUInt128BigEndian(datagram),
            Channel = BinaryPrimitives.ReadUInt128BigEndian(datagram[16..]),
            Sequence = BinaryPrimitives.ReadUInt32BigEndian(datagram[32..]),
            Timestamp = BinaryPrimitives.ReadUInt64BigEndian(datagram[36..]),
            Type = (RelayPacketType)(type & ~EncryptedBit),
            IsEncrypted = (type & EncryptedBit) != 0,
            SampleRate = BinaryPrimitives.ReadUInt32BigEndian(datagram[45..]),
            Channels = BinaryPrimitives.ReadUInt16BigEndian(datagram[49..]),
        };
        return header.Type <= RelayPacketType.Bitrate && header.Timestamp <= long.MaxValue;
    }

    /// <summary>Writes the header into the first <see cref="Length"/> bytes.</summary>
    public void Write(Span<byte> datagram)
    {
        BinaryPrimitives.WriteUInt128BigEndian(datagram, User);
        BinaryPrimitives.WriteUInt128BigEndian(datagram[16..], Channel);
        BinaryPrimitives.WriteUInt32BigEndian(datagram[32..], Sequence);
        BinaryPrimitives.WriteUInt64BigEndian(datagram[36..], Timestamp);
        datagram[TypeOffset] = (byte)((byte)Type | (IsEncrypted ? EncryptedBit : 0));
        BinaryPrimitives.WriteUInt32BigEndian(datagram[45..], SampleRate);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[49..], Channels);
    }

    /// <summary>Opus works at 8, 12, 16, 24 and 48 kHz in one or two channels (RFC 6716 §2.1.3).</summary>
    public bool IsPlausibleAudio => SampleRate is 8_000 or 12_000 or 16_000 or 24_000 or 48_000 && Channels is 1 or 2;
}
