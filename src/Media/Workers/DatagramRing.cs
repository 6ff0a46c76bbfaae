using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Workers;

/// <summary>What a datagram of a <see cref="DatagramRing"/> is.</summary>
public enum RingDatagramKind
{
    /// <summary>RTP, not encrypted.</summary>
    Rtp = 1,

    /// <summary>RTCP, not encrypted.</summary>
    Rtcp = 2,
}

/// <summary>
/// Datagrams from one worker's thread to another's: bounded, one writer, one reader, no lock. The writer fills a datagram in place and
/// shows what it has written in one go (<see cref="Publish"/>); the reader works on it in place and gives the room back in one go
/// (<see cref="EndRead"/>). When it is full the writer goes on and counts what it leaves out. It is ordinary memory, which lives as
/// long as one of the two knows it: neither end can pull it away from under the other.
/// </summary>
public sealed class DatagramRing
{
    /// <summary>Bytes by default: a tenth of a second of 50,000 packets of sound a second, and within a core's second-level cache.</summary>
    public const int DefaultCapacity = 1 << 20;

    /// <summary>Bytes before a datagram: its pipe's number, its length, its kind. Records begin at multiples of it.</summary>
    private const int HeaderLength = 8;

    /// <summary>Bytes that a datagram is given before its length is known; never split by the ring's end.</summary>
    private const int RecordLength = HeaderLength + Datagram.MaxSize;

    /// <summary>Two lines of 64 bytes: processors fetch them in pairs.</summary>
    private const int Line = 128;

    private readonly byte[] _bytes;
    private readonly int _mask;
    private Positions _at;

    /// <param name="capacity">Bytes, a power of two of at least four of the largest datagrams.</param>
    public DatagramRing(int capacity = DefaultCapacity)
    {
        if (!BitOperations.IsPow2(capacity) || capacity < 4 * RecordLength)
        {
            throw new ArgumentOutOfRangeException(nameof(capacity), capacity, $"The capacity must be a power of two and at least {4 * RecordLength}.");
        }

        _bytes = GC.AllocateUninitializedArray<byte>(capacity, pinned: true);
        _mask = capacity - 1;
    }

    /// <summary>Bytes that it holds, headers included.</summary>
    public int Capacity => _bytes.Length;

    /// <summary>For the reader: whether something has been published that it has not taken.</summary>
    public bool HasInput => Volatile.Read(ref _at.Tail) != _at.Read;

    /// <summary>For the writer: a buffer of <see cref="Datagram.MaxSize"/> bytes for the next datagram; empty when the ring is full.</summary>
    public Span<byte> Rent()
    {
        var offset = (int)_at.Write & _mask;
        var left = Capacity - offset;
        var needed = left < RecordLength ? left + RecordLength : RecordLength;
        if (_at.Write + needed - _at.HeadSeen > Capacity)
        {
            _at.HeadSeen = Volatile.Read(ref _at.Head);
            if (_at.Write + needed - _at.HeadSeen > Capacity)
            {
                _at.IsRented = false;
                return [];
            }
        }

        if (left < RecordLength)
        {
            // A header without a kind: the reader goes on at the beginning.
            BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(offset), 0);
            _at.Write += left;
            offset = 0;
        }

        _at.IsRented = true;
        return _bytes.AsSpan(offset + HeaderLength, Datagram.MaxSize);
    }

    /// <summary>For the writer: takes the first bytes of what was rented last as a datagram; false when there was no room to rent.</summary>
    public bool TryCommit(int pipe, RingDatagramKind kind, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Datagram.MaxSize);
        if (!_at.IsRented)
        {
            return false;
        }

        var header = _bytes.AsSpan((int)_at.Write & _mask, HeaderLength);
        BinaryPrimitives.WriteInt32LittleEndian(header, pipe);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], (ushort)length);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], (ushort)kind);
        _at.Write += Aligned(HeaderLength + length);
        _at.IsRented = false;
        return true;
    }

    /// <summary>For the writer: lets the reader see what was committed. False when it has seen everything before.</summary>
    public bool Publish()
    {
        if (_at.Tail == _at.Write)
        {
            return false;
        }

        Volatile.Write(ref _at.Tail, _at.Write);
        return true;
    }

    /// <summary>For the reader: the next datagram of those that were published; it may be changed, and stays until <see cref="EndRead"/>.</summary>
    public bool TryRead(out int pipe, out RingDatagramKind kind, out Span<byte> datagram)
    {
        while (_at.Read != _at.TailSeen || _at.Read != (_at.TailSeen = Volatile.Read(ref _at.Tail)))
        {
            var offset = (int)_at.Read & _mask;
            var header = _bytes.AsSpan(offset, HeaderLength);
            kind = (RingDatagramKind)BinaryPrimitives.ReadUInt16LittleEndian(header[6..]);
            if (kind == 0)
            {
                _at.Read += Capacity - offset;
                continue;
            }

            pipe = BinaryPrimitives.ReadInt32LittleEndian(header);
            var length = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
            datagram = _bytes.AsSpan(offset + HeaderLength, length);
            _at.Read += Aligned(HeaderLength + length);
            return true;
        }

        (pipe, kind) = (0, 0);
        datagram = [];
        return false;
    }

    /// <summary>For the reader: gives back the room of all that it has read.</summary>
    public void EndRead()
    {
        if (_at.Head != _at.Read)
        {
            Volatile.Write(ref _at.Head, _at.Read);
        }
    }

    private static int Aligned(int length) => (length + HeaderLength - 1) & -HeaderLength;

    /// <summary>Bytes since the beginning. What one thread writes and what the other does are on lines of their own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 5 * Line)]
    private struct Positions
    {
        /// <summary>The writer's own, not all published.</summary>
        [FieldOffset(Line)]
        public long Write;

        /// <summary>What the writer knows of <see cref="Head"/>.</summary>
        [FieldOffset(Line + 8)]
        public long HeadSeen;

        /// <summary>Whether the writer has room for the next datagram.</summary>
        [FieldOffset(Line + 16)]
        public bool IsRented;

        /// <summary>Published by the writer.</summary>
        [FieldOffset(2 * Line)]
        public long Tail;

        /// <summary>The reader's own.</summary>
        [FieldOffset(3 * Line)]
        public long Read;

        /// <summary>What the reader knows of <see cref="Tail"/>.</summary>
        [FieldOffset((3 * Line) + 8)]
        public long TailSeen;

        /// <summary>Published by the reader.</summary>
        [FieldOffset(4 * Line)]
        public long Head;
    }
}
