using System.Runtime.InteropServices;

namespace VoiceCluster.LoadTest.Interop.Linux;

/// <summary>The buffers into which a loop sweeps one socket after the other, with the time at which the kernel had each message.</summary>
internal sealed unsafe class ReceiveBatch : IDisposable
{
    /// <summary>Room for one datagram.</summary>
    private const int DatagramSize = 2048;

    /// <summary>Room for what UDP_GRO hands over at most: an IP packet's 65,535 bytes.</summary>
    private const int JoinedSize = 65_536;

    /// <summary>cmsghdr: 8 bytes of length, 4 of level, 4 of type.</summary>
    private const int ControlHeader = 16;

    /// <summary>Bytes of a control message with a timespec, and of one with an int, each padded to words.</summary>
    private const int ControlSize = ControlHeader + 16 + ControlHeader + 8;

    private readonly byte* _memory;
    private readonly LibC.MMsgHdr* _messages;
    private readonly byte* _buffers;
    private readonly int _bufferSize;

    /// <param name="gro">Messages may be several datagrams: fewer, larger buffers.</param>
    public ReceiveBatch(bool gro = false)
    {
        Size = gro ? 16 : 64;
        _bufferSize = gro ? JoinedSize : DatagramSize;
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)(Size * (sizeof(LibC.MMsgHdr) + sizeof(LibC.IoVec) + ControlSize + _bufferSize)));
        _messages = (LibC.MMsgHdr*)_memory;
        var vectors = (LibC.IoVec*)(_messages + Size);
        var controls = (byte*)(vectors + Size);
        _buffers = controls + (Size * ControlSize);
        for (var i = 0; i < Size; i++)
        {
            vectors[i] = new LibC.IoVec { Base = _buffers + (i * _bufferSize), Length = (nuint)_bufferSize };
            _messages[i].Header = new LibC.MsgHdr { Vectors = vectors + i, VectorCount = 1, Control = controls + (i * ControlSize), ControlLength = ControlSize };
        }
    }

    /// <summary>Messages of one call.</summary>
    public int Size { get; }

    /// <summary>Takes what is there without waiting; returns how many messages.</summary>
    public int Receive(int descriptor)
    {
        // An ICMP error of an earlier send shows as a failed call, and only once: what has come waits for the next sweep.
        var count = LibC.RecvMMsg(descriptor, _messages, (uint)Size, LibC.MsgDontWait, null);
        return Math.Max(0, count);
    }

    /// <summary>A message of the last call, which may be modified; to be taken once, as that readies its place for the next call.</summary>
    /// <param name="index">Its place.</param>
    /// <param name="arrived">When the kernel had it, in ticks of 100 ns since 1970; 0 when it did not say.</param>
    /// <param name="segment">Bytes of each datagram of which it is made, the last may have fewer.</param>
    public Span<byte> Take(int index, out long arrived, out int segment)
    {
        ref var header = ref _messages[index].Header;
        arrived = 0;
        segment = (int)_messages[index].Length;
        var control = header.Control;
        var left = (long)header.ControlLength;
        while (left >= ControlHeader)
        {
            var length = *(long*)control;
            var (level, type) = (*(int*)(control + 8), *(int*)(control + 12));
            if (level == LibC.SolSocket && type == LibC.SoTimestampNs)
            {
                arrived = (*(long*)(control + ControlHeader) * TimeSpan.TicksPerSecond) + (*(long*)(control + ControlHeader + 8) / TimeSpan.NanosecondsPerTick);
            }
            else if (level == LibC.SolUdp && type == LibC.UdpGro)
            {
                segment = *(int*)(control + ControlHeader);
            }

            length = (length + 7) & ~7;
            control += length;
            left -= Math.Max(length, ControlHeader);
        }

        header.ControlLength = ControlSize;
        return new Span<byte>(_buffers + (index * _bufferSize), (int)_messages[index].Length);
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.Free(_memory);
}
