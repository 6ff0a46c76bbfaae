using System.Net;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Interop.Linux;

/// <summary>
/// What a port is about to send. Datagrams lie one behind the other in one piece of memory. Those of one
/// length for one receiver form a group, which leaves as one message that the kernel cuts into datagrams (UDP_SEGMENT, udp(7)): sending
/// costs the kernel ten times what encrypting costs us, and most of that is for the message, not for its bytes.
/// The order of datagrams to one receiver is kept. Where the system cannot cut, each datagram is a message.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class LinuxSendQueue : IDisposable
{
    /// <summary>Datagrams that wait at most: as many as stay in the processor's cache, and more while they are to gather.</summary>
    private const int UsualLimit = 1024;
    private const int Capacity = 4096;

    /// <summary>Bytes that wait at most: a frame of eight large packets for a hundred receivers, so that the eight leave as one message for each.</summary>
    private const int ArenaSize = 1280 * 1024;

    /// <summary>Datagrams of a message at most (UDP_MAX_SEGMENTS of Linux up to 6.8; later ones take 128).</summary>
    private const int MaxSegments = 64;

    /// <summary>Bytes of a message at most: an IPv4 packet's 65,535 less its headers, and a margin for options.</summary>
    private const int MaxMessage = 65_000;

    /// <summary>Twice the groups that there can be, so that looking one up takes few steps. Only as much is used as the limit needs.</summary>
    private const int TableSize = 2 * Capacity;

    /// <summary>Bytes of a control message with 16 bits: the header of 16, the value, padding.</summary>
    private const int ControlSize = 24;

    /// <summary>Datagrams begin on cache lines.</summary>
    private const int Alignment = 64;

    private readonly int _fd;
    private readonly bool _isIPv6;

    /// <summary>Bytes of the longest datagram that may be in a group; 0 when the system cannot cut messages.</summary>
    private readonly int _maxSegment;
    private readonly GroupingLimits _limits;
    private readonly byte* _arena;
    private readonly byte* _tables;
    private readonly Packet* _packets;
    private readonly Group* _groups;
    private readonly Slot* _slots;
    private readonly LibC.MMsgHdr* _messages;
    private readonly LibC.IoVec* _vectors;
    private readonly LibC.SocketAddress* _addresses;
    private readonly byte* _controls;

    /// <summary>Keeps anybody from choosing addresses that meet in the table.</summary>
    private readonly ulong _hashKey = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;

    private int _limit = UsualLimit;
    private int _used;
    private int _packetCount;
    private int _groupCount;

    /// <summary>The table's entries of another round are empty.</summary>
    private uint _round = 1;

    /// <param name="fd">The socket.</param>
    /// <param name="isIPv6">Its family.</param>
    /// <param name="useSegments">False keeps to a message for each datagram.</param>
    /// <param name="time">When receivers that could not take groups are tried again.</param>
    public LinuxSendQueue(int fd, bool isIPv6, bool useSegments, TimeProvider time)
    {
        _fd = fd;
        _isIPv6 = isIPv6;
        _limits = new GroupingLimits(time);
        _arena = (byte*)NativeMemory.AlignedAlloc(ArenaSize, Alignment);
        var size = Capacity * (sizeof(Packet) + sizeof(Group) + sizeof(LibC.MMsgHdr) + sizeof(LibC.IoVec) + sizeof(LibC.SocketAddress) + ControlSize) + (TableSize * sizeof(Slot));
        _tables = (byte*)NativeMemory.AlignedAlloc((nuint)size, Alignment);
        new Span<byte>(_tables, size).Clear();
        _groups = (Group*)_tables;
        _messages = (LibC.MMsgHdr*)(_groups + Capacity);
        _vectors = (LibC.IoVec*)(_messages + Capacity);
        _controls = (byte*)(_vectors + Capacity);
        _slots = (Slot*)(_controls + (Capacity * ControlSize));
        _packets = (Packet*)(_slots + TableSize);
        _addresses = (LibC.SocketAddress*)(_packets + Capacity);
        int value;
        uint length = sizeof(int);
        _maxSegment = useSegments && LibC.GetSockOpt(fd, LibC.SolUdp, LibC.UdpSegment, &value, &length) == 0 ? Datagram.MaxSize : 0;
    }

    /// <summary>Datagrams that the system did not take.</summary>
    public long Failures { get; private set; }

    /// <summary>Messages that were handed to the system; fewer than datagrams where they are grouped.</summary>
    public long Messages { get; private set; }

    /// <summary>Changes whenever what waits has left; 0 when the system cannot cut messages.</summary>
    public long Batch => _maxSegment == 0 ? 0 : _round;

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => _packetCount == 0;

    /// <summary>Whether more may wait than usually, before they are sent unasked. To be set while nothing waits.</summary>
    public bool Gathers
    {
        get => _limit == Capacity;
        set => _limit = value ? Capacity : UsualLimit;
    }

    /// <summary>Room for a datagram of the largest size.</summary>
    public Span<byte> Rent()
    {
        if (_packetCount >= _limit || ArenaSize - _used < Datagram.MaxSize)
        {
            Flush();
        }

        return new Span<byte>(_arena + _used, Datagram.MaxSize);
    }

    /// <summary>Queues the first bytes of the room that was rented last.</summary>
    public void Add(int length, in TransportAddress destination)
    {
        if (!_isIPv6 && !destination.IsIPv4)
        {
            Failures++;
            return;
        }

        var place = _packetCount++;
        _packets[place] = new Packet { Offset = _used, Length = length, Next = -1 };
        _used += (length + Alignment - 1) & -Alignment;
        if (length > _maxSegment)
        {
            Open(place, length, destination);
            return;
        }

        ref var slot = ref Find(destination);
        if (slot.Round == _round)
        {
            ref var group = ref _groups[slot.Group];
            if (!group.IsClosed && length <= group.Segment && group.Count < MaxSegments && group.Bytes + length <= MaxMessage)
            {
                _packets[group.Last].Next = place;
                group.Last = place;
                group.Count++;
                group.Bytes += length;

                // udp(7): only the last datagram of a message may be shorter.
                group.IsClosed = length < group.Segment;
                return;
            }
        }

        slot = new Slot { Round = _round, Group = _groupCount };
        Open(place, length, destination);
        if (_limits.Count > 0)
        {
            _groups[slot.Group].IsClosed = length > _limits.Of(destination, (uint)(HashOf(destination) >> 32));
        }
    }

    /// <summary>Hands everything to the system.</summary>
    public void Flush()
    {
        if (_packetCount == 0)
        {
            return;
        }

        var vector = _vectors;
        for (var i = 0; i < _groupCount; i++)
        {
            ref var group = ref _groups[i];
            ref var header = ref _messages[i].Header;
            header.Name = _addresses + i;
            header.NameLength = LinuxSocketAddress.Write(group.Destination, _isIPv6, _addresses + i);
            header.Vectors = vector;
            header.VectorCount = (nuint)group.Count;
            header.Control = null;
            header.ControlLength = 0;
            if (group.Count > 1)
            {
                header.Control = WriteSegment(i, group.Segment);
                header.ControlLength = ControlSize;
            }

            for (var packet = group.First; packet >= 0; packet = _packets[packet].Next)
            {
                *vector++ = new LibC.IoVec { Base = _arena + _packets[packet].Offset, Length = (nuint)_packets[packet].Length };
            }
        }

        SendAll();
        _limits.Advance();
        _used = _packetCount = _groupCount = 0;
        if (++_round == 0)
        {
            new Span<Slot>(_slots, TableSize).Clear();
            _round = 1;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_arena);
        NativeMemory.AlignedFree(_tables);
    }

    private void Open(int place, int length, in TransportAddress destination) =>
        _groups[_groupCount++] = new Group { Destination = destination, First = place, Last = place, Count = 1, Segment = length, Bytes = length };

    private ulong HashOf(in TransportAddress destination)
    {
        var folded = (ulong)(destination.Address >> 64) ^ (ulong)destination.Address;
        return ((folded << 16) ^ (folded >> 48) ^ destination.Port) * _hashKey;
    }

    private ref Slot Find(in TransportAddress destination)
    {
        var hash = HashOf(destination);
        var mask = (2 * _limit) - 1;
        for (var i = (int)(hash >> 32) & mask; ; i = (i + 1) & mask)
        {
            ref var slot = ref _slots[i];
            if (slot.Round != _round || _groups[slot.Group].Destination == destination)
            {
                return ref slot;
            }
        }
    }

    private byte* WriteSegment(int index, int segment)
    {
        // cmsghdr: length with its header, level, type, then a 16-bit value.
        var control = _controls + (index * ControlSize);
        *(nuint*)control = 18;
        *(int*)(control + 8) = LibC.SolUdp;
        *(int*)(control + 12) = LibC.UdpSegment;
        *(ushort*)(control + 16) = (ushort)segment;
        return control;
    }

    private void SendAll()
    {
        var sent = 0;
        while (sent < _groupCount)
        {
            // The kernel takes up to 1,024 messages in one call (UIO_MAXIOV).
            var count = LibC.SendMMsg(_fd, _messages + sent, (uint)(_groupCount - sent), LibC.MsgDontWait);
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
                for (; sent < _groupCount; sent++)
                {
                    Failures += _groups[sent].Count;
                }

                return;
            }

            // The first message has a bad destination, met an ICMP error, or cannot be cut; the others have done nothing wrong.
            ref var group = ref _groups[sent];
            if (group.Count > 1 && error is LibC.EIo or LibC.EInvalid or LibC.EMessageSize)
            {
                // A path without checksum offload cuts nothing (EIO); else a datagram longer than the path takes was not to be grouped.
                _limits.Refuse(group.Destination, (uint)(HashOf(group.Destination) >> 32), error == LibC.EIo ? 0 : group.Segment - 1);
                SendOneByOne(sent);
            }
            else
            {
                Failures += group.Count;
            }

            sent++;
        }
    }

    private void SendOneByOne(int index)
    {
        var message = _messages[index];
        message.Header.VectorCount = 1;
        message.Header.Control = null;
        message.Header.ControlLength = 0;
        for (var i = 0; i < _groups[index].Count; i++, message.Header.Vectors++)
        {
            if (LibC.SendMMsg(_fd, &message, 1, LibC.MsgDontWait) == 1)
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
        public int Offset;
        public int Length;
        public int Next;
    }

    private struct Slot
    {
        public uint Round;
        public int Group;
    }

    private struct Group
    {
        public TransportAddress Destination;
        public int First;
        public int Last;
        public int Count;
        public int Segment;
        public int Bytes;
        public bool IsClosed;
    }
}
