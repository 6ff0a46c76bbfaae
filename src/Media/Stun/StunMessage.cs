using System.Buffers.Binary;
using System.Security.Cryptography;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Stun;

/// <summary>
/// A view of one STUN message (RFC 8489), valid as long as the datagram it was read from.
/// Parsing walks the attributes once and keeps where each known one lies.
/// </summary>
public readonly ref struct StunMessage
{
    /// <summary>The longest message read. ICE checks have about 100 bytes; RFC 8489 §6.1 keeps them below the path MTU.</summary>
    public const int MaxSize = 1500;

    /// <summary>Unknown comprehension-required attributes that are named back in a 420.</summary>
    public const int MaxUnknownAttributes = 4;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly Layout _layout;

    private StunMessage(ReadOnlySpan<byte> bytes, Layout layout)
    {
        _bytes = bytes;
        _layout = layout;
    }

    /// <summary>Request, indication or response.</summary>
    public StunClass Class => (StunClass)(((_bytes[0] & 0x01) << 1) | ((_bytes[1] & 0x10) >> 4));

    /// <summary>The 12-bit method, woven around the class bits (RFC 8489 §5).</summary>
    public ushort Method => (ushort)(((_bytes[0] & 0x3E) << 6) | ((_bytes[1] & 0xE0) >> 1) | (_bytes[1] & 0x0F));

    /// <summary>The 96-bit transaction id.</summary>
    public ReadOnlySpan<byte> TransactionId => _bytes.Slice(8, StunFormat.TransactionIdSize);

    /// <summary>USERNAME, empty when absent.</summary>
    public ReadOnlySpan<byte> Username => Value(_layout.Username);

    /// <summary>Whether MESSAGE-INTEGRITY is there; says nothing about its being right.</summary>
    public bool HasIntegrity => _layout.Integrity != 0;

    /// <summary>Whether FINGERPRINT is there; a wrong one does not parse.</summary>
    public bool HasFingerprint => _layout.Fingerprint != 0;

    /// <summary>Whether USE-CANDIDATE is there (RFC 8445 §7.1.2).</summary>
    public bool UseCandidate => _layout.UseCandidate != 0;

    /// <summary>Whether ICE-CONTROLLING is there.</summary>
    public bool IsControlling => _layout.IceControlling != 0;

    /// <summary>Whether ICE-CONTROLLED is there.</summary>
    public bool IsControlled => _layout.IceControlled != 0;

    /// <summary>The tie-breaker of ICE-CONTROLLING or ICE-CONTROLLED, 0 without.</summary>
    public ulong TieBreaker =>
        IsControlling ? BinaryPrimitives.ReadUInt64BigEndian(Value(_layout.IceControlling))
        : IsControlled ? BinaryPrimitives.ReadUInt64BigEndian(Value(_layout.IceControlled))
        : 0;

    /// <summary>PRIORITY, or null.</summary>
    public uint? Priority => _layout.Priority == 0 ? null : BinaryPrimitives.ReadUInt32BigEndian(Value(_layout.Priority));

    /// <summary>The nomination number, or null.</summary>
    public uint? Nomination => _layout.Nomination == 0 ? null : BinaryPrimitives.ReadUInt32BigEndian(Value(_layout.Nomination));

    /// <summary>SOFTWARE, empty when absent.</summary>
    public ReadOnlySpan<byte> Software => Value(_layout.Software);

    /// <summary>The number of ERROR-CODE, 0 when absent.</summary>
    public int ErrorCode
    {
        get
        {
            var value = Value(_layout.ErrorCode);
            return value.Length < 4 ? 0 : ((value[2] & 7) * 100) + value[3];
        }
    }

    /// <summary>Comprehension-required attributes that are not known here (RFC 8489 §6.3), the first few of them.</summary>
    public int UnknownAttributeCount => _layout.UnknownCount;

    /// <summary>The type of the unknown attribute at this index.</summary>
    public ushort GetUnknownAttribute(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _layout.UnknownCount);
        return (ushort)(_layout.Unknown >> (16 * index));
    }

    /// <summary>Whether the first bytes say STUN: leading zero bits and the cookie (RFC 7983 §7, RFC 8489 §5).</summary>
    public static bool IsStun(ReadOnlySpan<byte> datagram) =>
        datagram.Length >= StunFormat.HeaderSize
        && datagram[0] < 0x40
        && BinaryPrimitives.ReadUInt32BigEndian(datagram[4..]) == StunFormat.MagicCookie;

    /// <summary>
    /// Reads a message. False for anything that is not exactly one well-formed message: wrong lengths, attributes of
    /// impossible size, anything but FINGERPRINT behind the integrity being read, a wrong FINGERPRINT.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out StunMessage message)
    {
        message = default;
        if (!IsStun(datagram) || datagram.Length > MaxSize)
        {
            return false;
        }

        // RFC 8489 §5: the length counts what follows the header and is a multiple of 4.
        int length = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        if (length % 4 != 0 || StunFormat.HeaderSize + length != datagram.Length)
        {
            return false;
        }

        var layout = default(Layout);
        for (var at = StunFormat.HeaderSize; at < datagram.Length;)
        {
            // The total is a multiple of 4 and so is every step: a header of 4 bytes always fits.
            var type = (StunAttribute)BinaryPrimitives.ReadUInt16BigEndian(datagram[at..]);
            int size = BinaryPrimitives.ReadUInt16BigEndian(datagram[(at + 2)..]);
            if (size > datagram.Length - at - 4 || layout.Fingerprint != 0)
            {
                // RFC 8489 §14.7: FINGERPRINT must be the last attribute.
                return false;
            }

            if (!layout.Note(type, at, size))
            {
                return false;
            }

            at += 4 + ((size + 3) & ~3);
        }

        if (layout.Fingerprint != 0)
        {
            var expected = Crc32.Compute(datagram[..layout.Fingerprint]) ^ StunFormat.FingerprintXor;
            if (BinaryPrimitives.ReadUInt32BigEndian(datagram[(layout.Fingerprint + 4)..]) != expected)
            {
                return false;
            }
        }

        message = new StunMessage(datagram, layout);
        return true;
    }

    /// <summary>Checks MESSAGE-INTEGRITY with a key: the password for short-term credentials (RFC 8489 §9.1.1).</summary>
    public bool VerifyIntegrity(ReadOnlySpan<byte> key)
    {
        if (_layout.Integrity == 0)
        {
            return false;
        }

        // RFC 8489 §14.5: the HMAC covers the message up to the attribute, its length field counting the attribute in.
        Span<byte> expected = stackalloc byte[StunFormat.IntegritySize];
        StunIntegrity.Compute(key, _bytes[.._layout.Integrity], _layout.Integrity - StunFormat.HeaderSize + 4 + StunFormat.IntegritySize, expected);
        return CryptographicOperations.FixedTimeEquals(expected, Value(_layout.Integrity));
    }

    /// <summary>Reads XOR-MAPPED-ADDRESS (RFC 8489 §14.2).</summary>
    public bool TryGetXorMappedAddress(out TransportAddress address)
    {
        address = default;
        var value = Value(_layout.XorMappedAddress);
        if (value.Length < 8)
        {
            return false;
        }

        var port = (ushort)(BinaryPrimitives.ReadUInt16BigEndian(value[2..]) ^ (StunFormat.MagicCookie >> 16));
        switch (value[1])
        {
            case 1 when value.Length == 8:
                address = TransportAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(value[4..]) ^ StunFormat.MagicCookie, port);
                return true;
            case 2 when value.Length == 20:
                // The mask is the cookie followed by the transaction id: bytes 4 to 19 of the header.
                var mask = BinaryPrimitives.ReadUInt128BigEndian(_bytes[4..]);
                address = new TransportAddress(BinaryPrimitives.ReadUInt128BigEndian(value[4..]) ^ mask, port);
                return true;
            default:
                return false;
        }
    }

    private ReadOnlySpan<byte> Value(ushort offset) =>
        offset == 0 ? default : _bytes.Slice(offset + 4, BinaryPrimitives.ReadUInt16BigEndian(_bytes[(offset + 2)..]));

    /// <summary>Offsets of attributes from the start of the message; 0 is absent.</summary>
    private struct Layout
    {
        public ushort Username;
        public ushort Integrity;
        public ushort Fingerprint;
        public ushort UseCandidate;
        public ushort IceControlling;
        public ushort IceControlled;
        public ushort Priority;
        public ushort Nomination;
        public ushort Software;
        public ushort ErrorCode;
        public ushort XorMappedAddress;
        public byte UnknownCount;
        public ulong Unknown;

        /// <summary>Notes an attribute. False when its size is impossible for its type.</summary>
        public bool Note(StunAttribute type, int at, int size)
        {
            if (type == StunAttribute.Fingerprint)
            {
                Fingerprint = (ushort)at;
                return size == 4;
            }

            if (Integrity != 0)
            {
                // RFC 8489 §14.5: whatever else stands behind MESSAGE-INTEGRITY must be ignored.
                return true;
            }

            switch (type)
            {
                case StunAttribute.Username:
                    // RFC 8489 §14.3: less than 509 bytes.
                    return Set(ref Username, at, size < 509);
                case StunAttribute.MessageIntegrity:
                    return Set(ref Integrity, at, size == StunFormat.IntegritySize);
                case StunAttribute.UseCandidate:
                    return Set(ref UseCandidate, at, size == 0);
                case StunAttribute.IceControlling:
                    return Set(ref IceControlling, at, size == 8);
                case StunAttribute.IceControlled:
                    return Set(ref IceControlled, at, size == 8);
                case StunAttribute.Priority:
                    return Set(ref Priority, at, size == 4);
                case StunAttribute.Nomination:
                    return Set(ref Nomination, at, size == 4);
                case StunAttribute.Software:
                    return Set(ref Software, at, size < 764);
                case StunAttribute.ErrorCode:
                    return Set(ref ErrorCode, at, size >= 4);
                case StunAttribute.XorMappedAddress:
                    return Set(ref XorMappedAddress, at, size is 8 or 20);
                case StunAttribute.MappedAddress:
                case StunAttribute.UnknownAttributes:
                case StunAttribute.Realm:
                case StunAttribute.Nonce:
                case StunAttribute.MessageIntegritySha256:
                    return true;
                default:
                    // RFC 8489 §14: the lower half must be understood, the upper may be skipped.
                    if ((ushort)type < 0x8000 && UnknownCount < MaxUnknownAttributes)
                    {
                        Unknown |= (ulong)type << (16 * UnknownCount++);
                    }

                    return true;
            }
        }

        /// <summary>The first of several equal attributes counts (RFC 8489 §14).</summary>
        private static bool Set(ref ushort slot, int at, bool valid)
        {
            if (slot == 0)
            {
                slot = (ushort)at;
            }

            return valid;
        }
    }
}
