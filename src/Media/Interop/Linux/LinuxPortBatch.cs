using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Interop.Linux;

/// <summary>
/// recvmmsg and sendmmsg for many sockets of one thread, which share the memory: a port costs next to nothing. What is sent waits, port by port,
/// until <see cref="Flush"/>; a port mostly has one receiver, and what goes to it one after another in one length leaves as one message that
/// the kernel cuts (UDP_SEGMENT, udp(7)). The order of a port's datagrams is kept. Where the system cannot cut, each is a message.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed unsafe class LinuxPortBatch : IDisposable
{
    /// <summary>Datagrams that wait at most: as many as stay in the processor's cache, and more while they are to gather.</summary>
    private const int UsualLimit = 1024;
    private const int Capacity = 4096;

    /// <summary>Bytes that wait at most.</summary>
    private const int ArenaSize = 1280 * 1024;

    /// <summary>Datagrams of a message at most (UDP_MAX_SEGMENTS of Linux up to 6.8; later ones take 128).</summary>
    private const int MaxSegments = 64;

    /// <summary>Bytes of a message at most: an IPv4 packet's 65,535 less its headers, and a margin for options.</summary>
    private const int MaxMessage = 65_000;

    /// <summary>Messages that are handed over at once; the system takes up to 1,024 (UIO_MAXIOV).</summary>
    private const int MaxMessages = 256;

    /// <summary>Bytes of a control message with 16 bits: the header of 16, the value, padding.</summary>
    private const int ControlSize = 24;

    /// <summary>Datagrams begin on cache lines.</summary>
    private const int Alignment = 64;

    private readonly LinuxReceiveBatch _in = new();
    private readonly byte* _arena;
    private readonly byte* _tables;
    private readonly Packet* _packets;
    private readonly LibC.MMsgHdr* _messages;
    private readonly LibC.IoVec* _vectors;
    private readonly LibC.SocketAddress* _addresses;
    private readonly byte* _controls;
    private LinuxPort? _firstQueued;
    private LinuxPort? _lastQueued;
    private int _limit = UsualLimit;
    private int _used;
    private int _count;
    private bool _isDisposed;

    /// <summary>Allocates; memory that is never used costs address space alone.</summary>
    public LinuxPortBatch()
    {
        _arena = (byte*)NativeMemory.AlignedAlloc(ArenaSize, Alignment);
        var size = (Capacity * (sizeof(Packet) + sizeof(LibC.IoVec))) + (MaxMessages * (sizeof(LibC.MMsgHdr) + ControlSize + sizeof(LibC.SocketAddress)));
        _tables = (byte*)NativeMemory.AlignedAlloc((nuint)size, Alignment);
        _packets = (Packet*)_tables;
        _vectors = (LibC.IoVec*)(_packets + Capacity);
        _messages = (LibC.MMsgHdr*)(_vectors + Capacity);
        _controls = (byte*)(_messages + MaxMessages);
        _addresses = (LibC.SocketAddress*)(_controls + (MaxMessages * ControlSize));
        new Span<byte>(_messages, MaxMessages * sizeof(LibC.MMsgHdr)).Clear();
        new Span<byte>(_controls, MaxMessages * ControlSize).Clear();
    }

    /// <summary>Datagrams that the system did not take.</summary>
    public long Failures { get; private set; }

    /// <summary>Messages that were handed to the system; fewer than datagrams where several shared one.</summary>
    public long Messages { get; private set; }

    /// <summary>Datagrams that the kernel dropped because they were not read in time (SO_RXQ_OVFL).</summary>
    public long ReceiveQueueOverflows { get; private set; }

    /// <summary>Whether something waits.</summary>
    public bool HasQueued => _count > 0;

    /// <summary>Takes up to <see cref="IBatchSocket.BatchSize"/> datagrams of a port without blocking; returns how many.</summary>
    public int Receive(LinuxPort port)
    {
        ArgumentNullException.ThrowIfNull(port);
        var overflow = port.Overflow;
        var count = _in.Receive(port.Fd, ref overflow);
        ReceiveQueueOverflows += unchecked(overflow - port.Overflow);
        port.Overflow = overflow;
        return count;
    }

    /// <summary>A datagram of the last batch, valid until the next of any port; it may be modified.</summary>
    public Span<byte> Datagram(int index, out TransportAddress from) => _in.Datagram(index, out from);

    /// <summary>Room for a datagram of the largest size, of whichever port; the same again until it is used.</summary>
    public Span<byte> Rent()
    {
        if (_count >= _limit || ArenaSize - _used < Net.Datagram.MaxSize)
        {
            Flush();
        }

        return new Span<byte>(_arena + _used, Net.Datagram.MaxSize);
    }

    /// <summary>Queues the first bytes of the room that was rented last.</summary>
    public void Add(LinuxPort port, int length, in TransportAddress destination)
    {
        ArgumentNullException.ThrowIfNull(port);
        if (!port.IsIPv6 && !destination.IsIPv4)
        {
            Failures++;
            return;
        }

        var place = _count++;
        _packets[place] = new Packet { Destination = destination, Offset = _used, Length = length, Next = -1 };
        _used += (length + Alignment - 1) & -Alignment;
        if (port.Last >= 0)
        {
            _packets[port.Last].Next = place;
        }
        else
        {
            port.First = place;
            if (_lastQueued is null)
            {
                _firstQueued = port;
            }
            else
            {
                _lastQueued.NextQueued = port;
            }

            _lastQueued = port;
        }

        port.Last = place;
    }

    /// <summary>Hands everything to the system.</summary>
    public void Flush()
    {
        for (var port = _firstQueued; port is not null;)
        {
            Send(port);
            var next = port.NextQueued;
            (port.First, port.Last, port.NextQueued) = (-1, -1, null);
            port = next;
        }

        (_firstQueued, _lastQueued) = (null, null);
        _used = _count = 0;
    }

    /// <summary>The same, and says whether from now on as much as there is room for may wait.</summary>
    public void FlushAndGather(bool gather)
    {
        Flush();
        _limit = gather ? Capacity : UsualLimit;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _in.Dispose();
        NativeMemory.AlignedFree(_arena);
        NativeMemory.AlignedFree(_tables);
    }

    private void Send(LinuxPort port)
    {
        var place = port.First;
        while (place >= 0)
        {
            var vector = _vectors;
            var messages = 0;
            while (place >= 0 && messages < MaxMessages)
            {
                place = Write(port, messages++, place, ref vector);
            }

            SendAll(port, messages);
        }
    }

    /// <summary>Writes one message from a packet on; returns the first packet that is not in it, or -1.</summary>
    private int Write(LinuxPort port, int index, int place, ref LibC.IoVec* vector)
    {
        ref readonly var first = ref _packets[place];
        var segment = first.Length;
        ref var header = ref _messages[index].Header;
        header.Name = _addresses + index;
        header.NameLength = LinuxSocketAddress.Write(first.Destination, port.IsIPv6, header.Name);
        header.Vectors = vector;
        header.VectorCount = 0;
        header.Control = null;
        header.ControlLength = 0;
        var (bytes, isClosed) = (0, false);
        while (true)
        {
            ref readonly var packet = ref _packets[place];
            *vector++ = new LibC.IoVec { Base = _arena + packet.Offset, Length = (nuint)packet.Length };
            header.VectorCount++;
            bytes += packet.Length;

            // udp(7): only the last datagram of a message may be shorter.
            isClosed |= packet.Length < segment;
            place = packet.Next;
            if (place < 0 || isClosed || segment > port.MaxSegment || header.VectorCount == MaxSegments)
            {
                break;
            }

            ref readonly var next = ref _packets[place];
            if (next.Length > segment || bytes + next.Length > MaxMessage || next.Destination != first.Destination)
            {
                break;
            }
        }

        if (header.VectorCount > 1)
        {
            // cmsghdr: length with its header, level, type, then a 16-bit value.
            var control = _controls + (index * ControlSize);
            *(nuint*)control = 18;
            *(int*)(control + 8) = LibC.SolUdp;
            *(int*)(control + 12) = LibC.UdpSegment;
            *(ushort*)(control + 16) = (ushort)segment;
            header.Control = control;
            header.ControlLength = ControlSize;
        }

        return place;
    }

    private void SendAll(LinuxPort port, int messages)
    {
        var sent = 0;
        while (sent < messages)
        {
            var count = LibC.SendMMsg(port.Fd, _messages + sent, (uint)(messages - sent), LibC.MsgDontWait);
            if (count > 0)
            {
                sent += count;
                Messages += count;
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == LibC.EIntr)
            {
                continue;
            }

            if (error == LibC.EAgain)
            {
                // The socket's buffer is full. Real-time data is worth nothing later: drop the rest.
                for (; sent < messages; sent++)
                {
                    Failures += (long)_messages[sent].Header.VectorCount;
                }

                return;
            }

            // The first message has a bad destination, met an ICMP error, or cannot be cut; the others have done nothing wrong.
            ref var header = ref _messages[sent].Header;
            if (header.VectorCount > 1 && error is LibC.EIo or LibC.EInvalid or LibC.EMessageSize)
            {
                // A path without checksum offload cuts nothing (EIO); else a datagram longer than the path takes was not to be grouped.
                port.MaxSegment = error == LibC.EIo ? 0 : Math.Min(port.MaxSegment, (int)header.Vectors->Length - 1);
                SendOneByOne(port, header);
            }
            else
            {
                Failures += (long)header.VectorCount;
            }

            sent++;
        }
    }

    private void SendOneByOne(LinuxPort port, in LibC.MsgHdr header)
    {
        LibC.MMsgHdr message = new() { Header = header };
        message.Header.VectorCount = 1;
        message.Header.Control = null;
        message.Header.ControlLength = 0;
        for (nuint i = 0; i < header.VectorCount; i++, message.Header.Vectors++)
        {
            if (LibC.SendMMsg(port.Fd, &message, 1, LibC.MsgDontWait) == 1)
            {
                Messages++;
            }
            else
            {
                Failures++;
            }
        }
    }

    private struct Packet
    {
        public TransportAddress Destination;
        public int Offset;
        public int Length;
        public int Next;
    }
}
