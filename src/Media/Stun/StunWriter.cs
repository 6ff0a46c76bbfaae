using System.Buffers.Binary;
using System.Text;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Stun;

/// <summary>
/// Writes one STUN message into a buffer (RFC 8489). Usage: construct, add attributes, then
/// <see cref="AddIntegrity"/>, <see cref="AddFingerprint"/>, and send <see cref="Written"/>.
/// Throws when the buffer is too small: that is the caller's fault, not the network's.
/// </summary>
public ref struct StunWriter
{
    private readonly Span<byte> _buffer;
    private int _length;

    /// <summary>Begins a message of the Binding method.</summary>
    public StunWriter(Span<byte> buffer, StunClass messageClass, ReadOnlySpan<byte> transactionId)
    {
        _buffer = buffer;
        _length = StunFormat.HeaderSize;
        var bits = (int)messageClass;
        BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)(StunFormat.BindingMethod | ((bits & 2) << 7) | ((bits & 1) << 4)));
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[4..], StunFormat.MagicCookie);
        transactionId[..StunFormat.TransactionIdSize].CopyTo(buffer[8..]);
    }

    /// <summary>Bytes written.</summary>
    public readonly int Length => _length;

    /// <summary>The message so far.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    /// <summary>Adds an attribute of raw bytes, padded with zeros (RFC 8489 §14).</summary>
    public void Add(StunAttribute type, scoped ReadOnlySpan<byte> value) => value.CopyTo(Open(type, value.Length));

    /// <summary>Adds an attribute of text as UTF-8.</summary>
    public void AddText(StunAttribute type, scoped ReadOnlySpan<char> text)
    {
        Span<byte> bytes = stackalloc byte[512];
        Add(type, bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
    }

    /// <summary>Adds a 32-bit attribute.</summary>
    public void AddUInt32(StunAttribute type, uint value) => BinaryPrimitives.WriteUInt32BigEndian(Open(type, 4), value);

    /// <summary>Adds a 64-bit attribute.</summary>
    public void AddUInt64(StunAttribute type, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Open(type, 8), value);

    /// <summary>Adds XOR-MAPPED-ADDRESS (RFC 8489 §14.2).</summary>
    public void AddXorMappedAddress(in TransportAddress address)
    {
        var value = Open(StunAttribute.XorMappedAddress, address.IsIPv4 ? 8 : 20);
        value[0] = 0;
        value[1] = (byte)(address.IsIPv4 ? 1 : 2);
        BinaryPrimitives.WriteUInt16BigEndian(value[2..], (ushort)(address.Port ^ (StunFormat.MagicCookie >> 16)));
        if (address.IsIPv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(value[4..], address.IPv4 ^ StunFormat.MagicCookie);
        }
        else
        {
            BinaryPrimitives.WriteUInt128BigEndian(value[4..], address.Address ^ BinaryPrimitives.ReadUInt128BigEndian(_buffer[4..]));
        }
    }

    /// <summary>Adds ERROR-CODE without a reason phrase: it would only amplify (RFC 8489 §14.8).</summary>
    public void AddErrorCode(StunError error)
    {
        var value = Open(StunAttribute.ErrorCode, 4);
        value[0] = value[1] = 0;
        value[2] = (byte)((int)error / 100);
        value[3] = (byte)((int)error % 100);
    }

    /// <summary>Adds UNKNOWN-ATTRIBUTES with the ones a request had (RFC 8489 §14.13).</summary>
    public void AddUnknownAttributes(scoped in StunMessage request)
    {
        var value = Open(StunAttribute.UnknownAttributes, 2 * request.UnknownAttributeCount);
        for (var i = 0; i < request.UnknownAttributeCount; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(value[(2 * i)..], request.GetUnknownAttribute(i));
        }
    }

    /// <summary>Adds MESSAGE-INTEGRITY over all so far (RFC 8489 §14.5).</summary>
    public void AddIntegrity(scoped ReadOnlySpan<byte> key)
    {
        var covered = _length;
        var value = Open(StunAttribute.MessageIntegrity, StunFormat.IntegritySize);
        StunIntegrity.Compute(key, _buffer[..covered], _length - StunFormat.HeaderSize, value);
    }

    /// <summary>Adds FINGERPRINT, which must be last (RFC 8489 §14.7).</summary>
    public void AddFingerprint()
    {
        var covered = _length;
        var value = Open(StunAttribute.Fingerprint, 4);
        BinaryPrimitives.WriteUInt32BigEndian(value, Crc32.Compute(_buffer[..covered]) ^ StunFormat.FingerprintXor);
    }

    /// <summary>Writes an attribute's header and padding and the new message length; hands back the value's place.</summary>
    private Span<byte> Open(StunAttribute type, int size)
    {
        var padded = (size + 3) & ~3;
        var attribute = _buffer.Slice(_length, 4 + padded);
        BinaryPrimitives.WriteUInt16BigEndian(attribute, (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(attribute[2..], (ushort)size);
        attribute[(4 + size)..].Clear();
        _length += 4 + padded;
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[2..], (ushort)(_length - StunFormat.HeaderSize));
        return attribute.Slice(4, size);
    }
}
