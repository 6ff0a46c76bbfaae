using System.Buffers.Binary;

namespace VoiceCluster.Media.Relay;

/// <summary>Whose packets these are, and in which channel: how a relay client is found.</summary>
public readonly record struct RelayIdentity(UInt128 User, UInt128 Channel)
{
    /// <summary>Of two UUIDs.</summary>
    public static RelayIdentity Of(Guid user, Guid channel) => new(ToBytes(user), ToBytes(channel));

    /// <summary>A UUID as the number that its 16 bytes in network order are.</summary>
    public static UInt128 ToBytes(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>The UUID of a header's number.</summary>
    public static Guid ToGuid(UInt128 id)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, id);
        return new Guid(bytes, bigEndian: true);
    }
}
