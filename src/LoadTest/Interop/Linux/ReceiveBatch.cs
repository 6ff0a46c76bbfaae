using System.Runtime.InteropServices;

namespace VoiceCluster.LoadTest.Interop.Linux;

/// <summary>The buffers into which a loop sweeps one socket after the other, with the time at which the kernel had each datagram.</summary>
internal sealed unsafe class ReceiveBatch : IDisposable
{
    /// <summary>Datagrams of one call.</summary>
    public const int Size = 64;

    private const int BufferSize = 2048;

    /// <summary>Bytes of a control message with a timespec: header of 16 and two words.</summary>
    private const int ControlSize = 32;

    private readonly byte* _memory;
    private readonly LibC.MMsgHdr* _messages;
    private readonly byte* _buffers;

    public ReceiveBatch()
    {
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)(Size * (sizeof(LibC.MMsgHdr) + sizeof(LibC.IoVec) + ControlSize + BufferSize)));
        _messages = (LibC.MMsgHdr*)_memory;
        var vectors = (LibC.IoVec*)(_messages + Size);
        var controls = (byte*)(vectors + Size);
        _buffers = controls + (Size * ControlSize);
        for (var i = 0; i < Size; i++)
        {
            vectors[i] = new LibC.IoVec { Base = _buffers + (i * BufferSize), Length = BufferSize };
            _messages[i].Header = new LibC.MsgHdr { Vectors = vectors + i, VectorCount = 1, Control = controls + (i * ControlSize), ControlLength = ControlSize };
        }
    }

    /// <summary>Takes what is there without waiting; returns how many.</summary>
    public int Receive(int descriptor)
    {
        var count = LibC.RecvMMsg(descriptor, _messages, Size, LibC.MsgDontWait, null);
        return Math.Max(0, count);
    }

    /// <summary>A datagram of the last call; it may be modified.</summary>
    public Span<byte> this[int index] => new(_buffers + (index * BufferSize), (int)_messages[index].Length);

    /// <summary>When the kernel received it, in ticks of 100 ns since 1970; 0 when it did not say. Readies the place for the next call.</summary>
    public long TakeTime(int index)
    {
        ref var header = ref _messages[index].Header;
        var time = header.ControlLength >= ControlSize && *(int*)(header.Control + 8) == LibC.SolSocket && *(int*)(header.Control + 12) == LibC.SoTimestampNs
            ? (*(long*)(header.Control + 16) * TimeSpan.TicksPerSecond) + (*(long*)(header.Control + 24) / 100)
            : 0;
        header.ControlLength = ControlSize;
        return time;
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.Free(_memory);
}
