using System.Buffers.Binary;
using System.Text;

namespace Orleans.Serialization;

/// <summary>How a field's bytes end, so that a reader can skip a field that it does not know.</summary>
public enum WireType : byte
{
    /// <summary>A number in groups of seven bits, lowest first.</summary>
    VarInt = 0,

    /// <summary>Eight bytes, little-endian.</summary>
    Fixed64 = 1,

    /// <summary>A VarInt length, then as many bytes.</summary>
    Bytes = 2,

    /// <summary>Null: no bytes.</summary>
    Null = 3,

    /// <summary>A four-byte little-endian length, then fields or elements.</summary>
    Block = 4,
}

/// <summary>
/// Writes fields to a growing array. A field is a VarInt of <c>(id + 1) &lt;&lt; 3 | wire type</c> and its value; a zero
/// ends the fields of one class.
/// </summary>
public sealed class Writer
{
    /// <summary>Deeper graphs are refused, because they are most likely circular.</summary>
    internal const int MaxDepth = 128;

    /// <summary>Bytes above which a writer is not kept.</summary>
    private const int MaxSpare = 64 * 1024;

    /// <summary>Bytes of the longest number.</summary>
    private const int MaxVarInt = 10;

    /// <summary>Characters whose UTF-8 is never longer than 127 bytes.</summary>
    private const int MaxShort = 42;

    [ThreadStatic]
    private static Writer? _spare;

    private byte[] _buffer = new byte[256];
    private int _length;
    private int _depth;

    /// <summary>What was written, until the next write.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>How many bytes were written.</summary>
    public int Length => _length;

    /// <summary>A writer of this thread's, empty. Give it back with <see cref="Return"/>.</summary>
    internal static Writer Rent()
    {
        var writer = _spare ?? new Writer();
        _spare = null;
        return writer;
    }

    /// <summary>Keeps the writer for the next <see cref="Rent"/>, unless a large message has grown it.</summary>
    internal void Return()
    {
        (_length, _depth) = (0, 0);
        if (_buffer.Length <= MaxSpare)
        {
            _spare = this;
        }
    }

    /// <summary>Bytes that are written later.</summary>
    internal Span<byte> Reserve(int count) => Take(count);

    /// <summary>Bytes that were written before, to be changed.</summary>
    internal Span<byte> At(int position, int count) => _buffer.AsSpan(position, count);

    /// <summary>What was written.</summary>
    public byte[] ToArray() => _buffer.AsSpan(0, _length).ToArray();

    /// <summary>Begins a field.</summary>
    public void WriteHeader(uint id, WireType type) => WriteVarInt((((ulong)id + 1) << 3) | (byte)type);

    /// <summary>Ends the fields of a class.</summary>
    public void WriteEnd() => Take(1)[0] = 0;

    /// <summary>Writes a number that is never negative.</summary>
    public void WriteVarInt(ulong value)
    {
        if (_buffer.Length - _length < MaxVarInt)
        {
            Grow(MaxVarInt);
        }

        for (; value >= 0x80; value >>= 7)
        {
            _buffer[_length++] = (byte)(value | 0x80);
        }

        _buffer[_length++] = (byte)value;
    }

    /// <summary>Writes a number so that small ones are short, negative or not.</summary>
    public void WriteSigned(long value) => WriteVarInt((ulong)((value << 1) ^ (value >> 63)));

    /// <summary>Writes eight bytes.</summary>
    public void WriteFixed64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(8), value);

    /// <summary>Writes a length and bytes.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        WriteVarInt((ulong)bytes.Length);
        bytes.CopyTo(Take(bytes.Length));
    }

    /// <summary>Writes a length and UTF-8.</summary>
    public void WriteString(string text)
    {
        if (text.Length <= MaxShort)
        {
            // Whatever it holds, its length takes one byte, which is known behind the text.
            if (_buffer.Length - _length < 1 + (MaxShort * 3))
            {
                Grow(1 + (MaxShort * 3));
            }

            var written = Encoding.UTF8.GetBytes(text, _buffer.AsSpan(_length + 1));
            _buffer[_length] = (byte)written;
            _length += 1 + written;
            return;
        }

        var count = Encoding.UTF8.GetByteCount(text);
        WriteVarInt((ulong)count);
        Encoding.UTF8.GetBytes(text, Take(count));
    }

    /// <summary>Writes two texts with a character between them as one.</summary>
    internal void WriteStrings(string first, char between, string second)
    {
        var count = Encoding.UTF8.GetByteCount(first) + 1 + Encoding.UTF8.GetByteCount(second);
        WriteVarInt((ulong)count);
        var target = Take(count);
        var written = Encoding.UTF8.GetBytes(first, target);
        target[written] = (byte)between;
        Encoding.UTF8.GetBytes(second, target[(written + 1)..]);
    }

    /// <summary>Begins a block; the answer is for <see cref="EndBlock"/>.</summary>
    public int BeginBlock()
    {
        if (++_depth > MaxDepth)
        {
            throw new SerializerException($"The object graph is deeper than {MaxDepth} levels, or it is circular.");
        }

        Take(4);
        return _length;
    }

    /// <summary>Ends a block.</summary>
    public void EndBlock(int start)
    {
        _depth--;
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(start - 4), _length - start);
    }

    private Span<byte> Take(int count)
    {
        if (_buffer.Length - _length < count)
        {
            Grow(count);
        }

        var span = _buffer.AsSpan(_length, count);
        _length += count;
        return span;
    }

    private void Grow(int count) => Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + count));
}

/// <summary>The value cannot be written, or the bytes cannot be read.</summary>
public class SerializerException(string message) : Runtime.OrleansException(message);
