using System.Buffers.Binary;
using System.Text;

namespace VoiceCluster.Media.Rtp;

/// <summary>
/// A MID or RID of at most 16 ASCII bytes (what a one-byte header extension element holds), as a plain value:
/// the packet path compares and hashes it without allocation.
/// </summary>
public readonly record struct Mid(UInt128 Packed)
{
    /// <summary>The longest, in bytes.</summary>
    public const int MaxLength = 16;

    /// <summary>True for no identifier at all.</summary>
    public bool IsEmpty => Packed == 0;

    /// <summary>Reads the bytes of a header extension element. Trailing zero bytes are not part of it.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Mid mid)
    {
        mid = default;
        if (bytes.Length is 0 or > MaxLength)
        {
            return false;
        }

        Span<byte> padded = stackalloc byte[MaxLength];
        padded.Clear();
        bytes.CopyTo(padded);
        mid = new Mid(BinaryPrimitives.ReadUInt128BigEndian(padded));
        return !mid.IsEmpty;
    }

    /// <summary>Reads text of 1 to 16 ASCII characters.</summary>
    public static bool TryParse(string? text, out Mid mid)
    {
        mid = default;
        if (text is null || text.Length is 0 or > MaxLength || !Ascii.IsValid(text))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[MaxLength];
        return TryParse(bytes[..Encoding.ASCII.GetBytes(text, bytes)], out mid);
    }

    /// <summary>Writes it and returns how many bytes it has.</summary>
    public int Write(Span<byte> destination)
    {
        Span<byte> padded = stackalloc byte[MaxLength];
        BinaryPrimitives.WriteUInt128BigEndian(padded, Packed);
        var length = padded.TrimEnd((byte)0).Length;
        padded[..length].CopyTo(destination);
        return length;
    }

    /// <summary>For logs.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[MaxLength];
        return Encoding.ASCII.GetString(bytes[..Write(bytes)]);
    }
}
