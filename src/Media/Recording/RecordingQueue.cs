using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace VoiceCluster.Media.Recording;

/// <summary>What a record of the queue is.</summary>
public enum RecordKind
{
    /// <summary>Nothing: the end of the ring is passed over.</summary>
    None = 0,

    /// <summary>An RTP payload.</summary>
    Packet,

    /// <summary>A sender report.</summary>
    Report,

    /// <summary>Something rare, in <see cref="RecordingQueue.TakeControl"/>.</summary>
    Control,
}

/// <summary>A record's head. For a report <see cref="Now"/> is the time stamp's instant.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct RecordHead(RecordKind Kind, int Source, int Length, uint Timestamp, long Now, ushort Sequence, bool Marker);

/// <summary>
/// Carries packets from one worker's loop to the writer of files: a ring of bytes with one thread at each end. Neither ever
/// waits; when the writer is too far behind, packets are dropped and counted.
/// </summary>
public sealed class RecordingQueue
{
    /// <summary>Bytes that only control records may use, so that a queue full of packets loses no beginning and no end.</summary>
    private const int Reserve = 64 * 1024;

    private static readonly int HeadLength = Align(System.Runtime.CompilerServices.Unsafe.SizeOf<RecordHead>());

    private readonly byte[] _ring;
    private readonly ConcurrentQueue<object> _controls = new();
    private long _written;
    private long _read;

    /// <param name="size">Bytes; a power of two, 256 KiB at least.</param>
    public RecordingQueue(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 256 * 1024);
        ArgumentOutOfRangeException.ThrowIfNotEqual(System.Numerics.BitOperations.IsPow2(size), true);
        _ring = new byte[size];
    }

    /// <summary>Packets that found no room.</summary>
    public long Dropped { get; private set; }

    /// <summary>Bytes that wait.</summary>
    public long Waiting => Volatile.Read(ref _written) - Volatile.Read(ref _read);

    /// <summary>On the worker's thread: adds a packet or a report.</summary>
    public bool TryWrite(in RecordHead head, ReadOnlySpan<byte> payload)
    {
        if (TryWrite(head, payload, Reserve))
        {
            return true;
        }

        Dropped++;
        return false;
    }

    /// <summary>On the worker's thread: adds something rare. False when there is no room even for that.</summary>
    public bool TryWriteControl(object control, long now)
    {
        _controls.Enqueue(control);
        return TryWrite(new RecordHead(RecordKind.Control, 0, 0, 0, now, 0, false), [], 0);
    }

    /// <summary>On the writer's thread: the next record; its payload is valid until <see cref="Release"/>.</summary>
    public bool TryRead(out RecordHead head, out ReadOnlySpan<byte> payload)
    {
        while (_read < Volatile.Read(ref _written))
        {
            var offset = (int)(_read & (_ring.Length - 1));
            if (MemoryMarshal.Read<RecordKind>(_ring.AsSpan(offset)) == RecordKind.None)
            {
                Volatile.Write(ref _read, _read + _ring.Length - offset);
                continue;
            }

            head = MemoryMarshal.Read<RecordHead>(_ring.AsSpan(offset));
            payload = _ring.AsSpan(offset + HeadLength, head.Length);
            return true;
        }

        head = default;
        payload = [];
        return false;
    }

    /// <summary>On the writer's thread: the record that was read is done with.</summary>
    public void Release(in RecordHead head) => Volatile.Write(ref _read, _read + HeadLength + Align(head.Length));

    /// <summary>On the writer's thread: what a control record stands for.</summary>
    public object? TakeControl() => _controls.TryDequeue(out var control) ? control : null;

    private static int Align(int length) => (length + 7) & ~7;

    private bool TryWrite(in RecordHead head, ReadOnlySpan<byte> payload, int reserve)
    {
        var length = HeadLength + Align(payload.Length);
        var offset = (int)(_written & (_ring.Length - 1));
        var skip = offset + length > _ring.Length ? _ring.Length - offset : 0;
        if (_written + skip + length + reserve - Volatile.Read(ref _read) > _ring.Length)
        {
            return false;
        }

        if (skip > 0)
        {
            // A record lies in one piece. Offsets are multiples of 8, so the kind always fits.
            MemoryMarshal.Write(_ring.AsSpan(offset), RecordKind.None);
            offset = 0;
        }

        MemoryMarshal.Write(_ring.AsSpan(offset), head);
        payload.CopyTo(_ring.AsSpan(offset + HeadLength));
        Volatile.Write(ref _written, _written + skip + length);
        return true;
    }
}
