using System.Buffers.Binary;
using System.Text;

namespace VoiceCluster.Media.Recording.Matroska;

/// <summary>A growing buffer of EBML elements (RFC 8794).</summary>
internal sealed class EbmlBuffer
{
    private byte[] _bytes = new byte[4_096];

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What is written.</summary>
    public Span<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>Empty again.</summary>
    public void Clear() => Length = 0;

    /// <summary>An element's id, which has its length in its first bits (RFC 8794 §5).</summary>
    public void Id(uint id)
    {
        var length = id > 0xFF_FFFF ? 4 : id > 0xFFFF ? 3 : id > 0xFF ? 2 : 1;
        for (var i = length - 1; i >= 0; i--)
        {
            Byte((byte)(id >> (8 * i)));
        }
    }

    /// <summary>A data size in as few bytes as do (§6.2: all ones mean unknown and are left out).</summary>
    public void Size(long size)
    {
        var length = 1;
        while (size >= (1L << (7 * length)) - 1)
        {
            length++;
        }

        Size(size, length);
    }

    /// <summary>A data size in so many bytes.</summary>
    public void Size(long size, int length)
    {
        for (var i = length - 1; i >= 0; i--)
        {
            var one = (byte)(size >> (8 * i));
            Byte(i == length - 1 ? (byte)(one | (0x80 >> (length - 1))) : one);
        }
    }

    /// <summary>An unsigned integer element.</summary>
    public void Unsigned(uint id, ulong value)
    {
        var length = 1;
        while (length < 8 && value >> (8 * length) != 0)
        {
            length++;
        }

        Id(id);
        Size(length);
        for (var i = length - 1; i >= 0; i--)
        {
            Byte((byte)(value >> (8 * i)));
        }
    }

    /// <summary>A float element of 8 bytes.</summary>
    public void Float(uint id, double value)
    {
        Id(id);
        Size(8);
        BinaryPrimitives.WriteDoubleBigEndian(Take(8), value);
    }

    /// <summary>A text element.</summary>
    public void Text(uint id, string text) => Binary(id, Encoding.UTF8.GetBytes(text));

    /// <summary>A binary element.</summary>
    public void Binary(uint id, ReadOnlySpan<byte> bytes)
    {
        Id(id);
        Size(bytes.Length);
        Raw(bytes);
    }

    /// <summary>A master element; its children are written between this and <see cref="Close"/>.</summary>
    public int Open(uint id)
    {
        Id(id);
        Size(0, 4);
        return Length;
    }

    /// <summary>Ends a master element.</summary>
    public void Close(int opened) =>
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(opened - 4), (Length - opened) | 0x1000_0000);

    /// <summary>Bytes as they are.</summary>
    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>A Void element of exactly so many bytes, 2 to 128 (§11.3.2).</summary>
    public void Void(int length)
    {
        Id(MatroskaId.Void);
        Size(length - 2, 1);
        Take(length - 2).Clear();
    }

    private void Byte(byte value) => Take(1)[0] = value;

    private Span<byte> Take(int length)
    {
        if (Length + length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + length));
        }

        Length += length;
        return _bytes.AsSpan(Length - length, length);
    }
}
