using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Interop.Linux;

/// <summary>Headers, addresses, vectors, control data and buffers for one recvmmsg, one after the other in native memory. Several sockets of a thread may take turns.</summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class LinuxReceiveBatch : IDisposable
{
    private const int Count = IBatchSocket.BatchSize;

    /// <summary>Bytes of control data a datagram: the header of 16 and SO_RXQ_OVFL's 4, padded to 8.</summary>
    private const int ControlSize = 24;

    private readonly byte* _memory;
    private readonly LibC.MMsgHdr* _messages;
    private readonly LibC.SocketAddress* _addresses;
    private readonly byte* _buffers;

    /// <summary>Allocates for good.</summary>
    public LinuxReceiveBatch()
    {
        const int Size = (Count * (ControlSize + Net.Datagram.MaxSize)) + 64;
        var size = Size + (Count * (sizeof(LibC.MMsgHdr) + sizeof(LibC.IoVec) + sizeof(LibC.SocketAddress)));
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)size, 64);
        new Span<byte>(_memory, size).Clear();
        _messages = (LibC.MMsgHdr*)_memory;
        var vectors = (LibC.IoVec*)(_messages + Count);
        var controls = (byte*)(vectors + Count);
        _addresses = (LibC.SocketAddress*)(controls + (Count * ControlSize));
        _buffers = (byte*)(((nuint)(_addresses + Count) + 63) & ~(nuint)63);
        for (var i = 0; i < Count; i++)
        {
            vectors[i] = new LibC.IoVec { Base = Buffer(i), Length = Net.Datagram.MaxSize };
            _messages[i].Header = new LibC.MsgHdr { Name = _addresses + i, Vectors = vectors + i, VectorCount = 1, Control = controls + (i * ControlSize) };
        }
    }

    /// <summary>Takes up to <see cref="IBatchSocket.BatchSize"/> datagrams of a socket without blocking; returns how many.</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="overflow">Its SO_RXQ_OVFL count, brought up to date: 32 bits, since the socket was made.</param>
    public int Receive(int fd, ref uint overflow)
    {
        for (var i = 0; i < Count; i++)
        {
            ref var header = ref _messages[i].Header;
            header.NameLength = (uint)sizeof(LibC.SocketAddress);
            header.ControlLength = ControlSize;
        }

        int count;
        do
        {
            count = LibC.RecvMMsg(fd, _messages, Count, LibC.MsgDontWait, null);
        }
        while (count < 0 && Marshal.GetLastPInvokeError() == LibC.EIntr);

        if (count <= 0)
        {
            // Nothing there, or an ICMP error of an earlier send, which a port that several send to must pass over.
            return 0;
        }

        // cmsghdr: length, level, type, then the value.
        ref var last = ref _messages[count - 1].Header;
        if (last.ControlLength >= 20 && *(int*)(last.Control + 8) == LibC.SolSocket && *(int*)(last.Control + 12) == LibC.SoRxqOvfl)
        {
            overflow = *(uint*)(last.Control + 16);
        }

        return count;
    }

    /// <summary>A datagram of the last batch, valid until the next; it may be modified.</summary>
    public Span<byte> Datagram(int index, out TransportAddress from)
    {
        from = LinuxSocketAddress.Read(_addresses[index]);
        return new Span<byte>(Buffer(index), (int)_messages[index].Length);
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(_memory);

    private byte* Buffer(int index) => _buffers + (index * Net.Datagram.MaxSize);
}
