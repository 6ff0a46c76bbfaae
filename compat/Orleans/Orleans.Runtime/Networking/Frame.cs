using System.Buffers.Binary;
using Orleans.Serialization;

namespace Orleans.Runtime.Networking;

/// <summary>What a frame is.</summary>
internal enum FrameKind : byte
{
    /// <summary>A call that is answered.</summary>
    Call = 1,

    /// <summary>A call that is not answered.</summary>
    OneWayCall = 2,

    /// <summary>The answer to a call.</summary>
    Answer = 3,

    /// <summary>The caller of a call waits no more.</summary>
    Cancel = 4,

    /// <summary>Who speaks; the first frame of each side.</summary>
    Hello = 16,

    /// <summary>Proof of the cluster's secret.</summary>
    Proof = 17,

    /// <summary>The dialled side agrees.</summary>
    Welcome = 18,

    /// <summary>The dialled side refuses, with the reason as text.</summary>
    Refusal = 19,
}

/// <summary>
/// What each frame begins with, little-endian: length of the rest (4 bytes), kind (1), number of the call (8),
/// hops (1), milliseconds that the caller still waits, 0 for no limit (4).
/// </summary>
internal readonly record struct FrameHeader(FrameKind Kind, ulong Id, int Hops, uint TimeToLive)
{
    /// <summary>Bytes of the header with its length.</summary>
    public const int Length = LengthLength + 14;

    /// <summary>Bytes of the length alone.</summary>
    public const int LengthLength = 4;

    /// <summary>Leaves room for a header.</summary>
    public static Writer Begin()
    {
        var writer = Writer.Rent();
        writer.Reserve(Length);
        return writer;
    }

    /// <summary>Writes it into the room that <see cref="Begin"/> left.</summary>
    public void End(Writer writer)
    {
        var bytes = writer.At(0, Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes, writer.Length - LengthLength);
        bytes[4] = (byte)Kind;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[5..], Id);
        bytes[13] = (byte)Hops;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[14..], TimeToLive);
    }

    /// <summary>Changes the number of a frame that has its header.</summary>
    public static void SetId(Writer writer, ulong id) => BinaryPrimitives.WriteUInt64LittleEndian(writer.At(5, 8), id);

    /// <summary>Reads what follows the length.</summary>
    public static FrameHeader Read(ReadOnlySpan<byte> bytes) => new(
        (FrameKind)bytes[0],
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[1..]),
        bytes[9],
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[10..]));
}
