using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>Reads what a <see cref="Writer"/> wrote. Malformed input gives <see cref="SerializerException"/> and nothing else.</summary>
public sealed class Reader
{
    private byte[] _input;
    private int _position;
    private int _end;
    private int _depth;

    /// <summary>Reads the input from its beginning.</summary>
    public Reader(ReadOnlyMemory<byte> input, IGrainCaller? references = null)
    {
        References = references;
        if (MemoryMarshal.TryGetArray(input, out var segment))
        {
            (_input, _position, _end) = (segment.Array!, segment.Offset, segment.Offset + segment.Count);
        }
        else
        {
            (_input, _end) = (input.ToArray(), input.Length);
        }
    }

    /// <summary>Makes the references that are read; null when there is no runtime.</summary>
    public IGrainCaller? References { get; }

    private int Remaining => _end - _position;

    /// <summary>Reads the beginning of a field; false at the end of the class.</summary>
    public bool TryReadHeader(out uint id, out WireType type)
    {
        (id, type) = (0, WireType.Null);
        if (Remaining == 0 || ReadVarInt() is not (var header and not 0))
        {
            return false;
        }

        var number = header >> 3;
        type = (WireType)(header & 7);
        if (number is 0 or > uint.MaxValue || type > WireType.Block)
        {
            throw new SerializerException("The beginning of a field is malformed.");
        }

        id = (uint)(number - 1);
        return true;
    }

    /// <summary>Reads a number that is never negative.</summary>
    public ulong ReadVarInt()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (_position == _end)
            {
                throw EndsEarly();
            }

            var b = _input[_position++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        throw new SerializerException("A number is longer than ten bytes.");
    }

    /// <summary>Reads a number that may be negative.</summary>
    public long ReadSigned()
    {
        var raw = ReadVarInt();
        return (long)(raw >> 1) ^ -(long)(raw & 1);
    }

    /// <summary>Reads eight bytes.</summary>
    public ulong ReadFixed64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>Reads a length and bytes.</summary>
    public ReadOnlySpan<byte> ReadBytes() => Take(ReadCount());

    /// <summary>Reads a length and UTF-8.</summary>
    public string ReadString() => Encoding.UTF8.GetString(ReadBytes());

    /// <summary>What was not read yet.</summary>
    internal ReadOnlySpan<byte> Rest => _input.AsSpan(_position, _end - _position);

    /// <summary>Reads another input from now on.</summary>
    internal void Reset(byte[] input, int start, int length) => (_input, _position, _end, _depth) = (input, start, start + length, 0);

    /// <summary>Reads a count of things that take a byte each at least, so that a false one cannot cause a large allocation.</summary>
    public int ReadCount()
    {
        var count = ReadVarInt();
        return count <= (ulong)Remaining ? (int)count : throw new SerializerException("A count is larger than the input.");
    }

    /// <summary>Begins a block; the answer is for <see cref="EndBlock"/>.</summary>
    public int BeginBlock()
    {
        if (++_depth > Writer.MaxDepth)
        {
            throw new SerializerException($"The input is deeper than {Writer.MaxDepth} levels.");
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(Take(4));
        if (length < 0 || length > Remaining)
        {
            throw new SerializerException("A block is larger than the input.");
        }

        var outer = _end;
        _end = _position + length;
        return outer;
    }

    /// <summary>Ends a block, over whatever of it was not read.</summary>
    public void EndBlock(int outer)
    {
        _position = _end;
        _end = outer;
        _depth--;
    }

    /// <summary>Passes over a field of an id that is not known.</summary>
    public void Skip(WireType type)
    {
        switch (type)
        {
            case WireType.VarInt:
                ReadVarInt();
                break;
            case WireType.Fixed64:
                Take(8);
                break;
            case WireType.Bytes:
                ReadBytes();
                break;
            case WireType.Block:
                EndBlock(BeginBlock());
                break;
        }
    }

    /// <summary>Checks a field's wire type.</summary>
    public static void Expect(WireType expected, WireType actual)
    {
        if (expected != actual)
        {
            throw new SerializerException($"A field is written as {actual} where {expected} is expected.");
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > Remaining)
        {
            throw EndsEarly();
        }

        var span = _input.AsSpan(_position, count);
        _position += count;
        return span;
    }

    private static SerializerException EndsEarly() => new("The input ends early.");
}
