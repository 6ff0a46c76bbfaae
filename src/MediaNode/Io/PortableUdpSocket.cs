using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Net;

namespace VoiceCluster.MediaNode.Io;

/// <summary>
/// One UDP port by the framework's Socket, for systems without recvmmsg. A datagram of one byte to the own port ends a wait.
/// </summary>
public sealed class PortableUdpSocket : IBatchSocket
{
    /// <summary>A wake-up that the system lost delays a command by so many microseconds at most.</summary>
    private const long LongestWait = 50_000;

    /// <summary>No protocol of this port has datagrams of one byte: whoever sends one only wakes the loop.</summary>
    private static readonly byte[] WakeUp = [0];

    private readonly Socket _socket;
    private readonly Socket _waker;
    private readonly SocketAddress _wakeAddress;
    private readonly bool _isIPv6;
    private readonly SocketAddress _from;
    private readonly SocketAddress _to;
    private readonly byte[] _in = GC.AllocateUninitializedArray<byte>(IBatchSocket.BatchSize * Media.Net.Datagram.MaxSize, pinned: true);
    private readonly byte[] _out = GC.AllocateUninitializedArray<byte>(IBatchSocket.BatchSize * Media.Net.Datagram.MaxSize, pinned: true);
    private readonly Entry[] _received = new Entry[IBatchSocket.BatchSize];
    private readonly Entry[] _toSend = new Entry[IBatchSocket.BatchSize];
    private readonly List<(Socket Socket, int Token)> _others = [];
    private readonly List<Socket> _waiting = [];
    private readonly List<int> _ready = [];
    private int _queued;

    /// <summary>Opens and binds. Throws <see cref="SocketException"/>, with AddressAlreadyInUse when the port is taken.</summary>
    public PortableUdpSocket(IPEndPoint endPoint, int bufferSize)
    {
        _isIPv6 = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
        _socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        _waker = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (_isIPv6)
            {
                _socket.DualMode = true;
            }

            _socket.ReceiveBufferSize = bufferSize;
            _socket.SendBufferSize = bufferSize;
            _socket.Blocking = false;
            _waker.Blocking = false;
            _socket.Bind(endPoint);
        }
        catch
        {
            _socket.Dispose();
            _waker.Dispose();
            throw;
        }

        LocalEndPoint = (IPEndPoint)_socket.LocalEndPoint!;
        var any = LocalEndPoint.Address.Equals(IPAddress.Any) || LocalEndPoint.Address.Equals(IPAddress.IPv6Any);
        var own = any ? (_isIPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback) : LocalEndPoint.Address;
        _wakeAddress = new IPEndPoint(own, LocalEndPoint.Port).Serialize();
        _from = new SocketAddress(endPoint.AddressFamily);
        _to = new SocketAddress(endPoint.AddressFamily);
    }

    /// <inheritdoc/>
    public IPEndPoint LocalEndPoint { get; }

    /// <inheritdoc/>
    public int ReceiveBufferSize => _socket.ReceiveBufferSize;

    /// <inheritdoc/>
    public long ReceiveQueueOverflows => 0;

    /// <inheritdoc/>
    public long SendFailures { get; private set; }

    /// <inheritdoc/>
    public long SendMessages { get; private set; }

    /// <inheritdoc/>
    public void Wait(long timeoutMicroseconds)
    {
        var timeout = (int)Math.Clamp(timeoutMicroseconds, 0, LongestWait);
        if (_others.Count == 0)
        {
            _socket.Poll(timeout, SelectMode.SelectRead);
            return;
        }

        _waiting.Clear();
        _waiting.Add(_socket);
        foreach (var (other, _) in _others)
        {
            _waiting.Add(other);
        }

        Socket.Select(_waiting, null, null, timeout);
        foreach (var (other, token) in _others)
        {
            if (token >= 0 && _waiting.Contains(other))
            {
                _ready.Add(token);
            }
        }
    }

    /// <inheritdoc/>
    public void WaitAlsoFor(IBatchSocket other) => _others.Add((((PortableUdpSocket)other)._socket, -1));

    /// <inheritdoc/>
    public void WaitAlsoFor(Socket other, int token) => _others.Add((other, token));

    /// <inheritdoc/>
    public void WaitNoMoreFor(Socket other) => _others.RemoveAll(o => o.Socket == other);

    /// <inheritdoc/>
    public bool TryTakeReady(out int token)
    {
        token = _ready.Count > 0 ? _ready[^1] : -1;
        if (token < 0)
        {
            return false;
        }

        _ready.RemoveAt(_ready.Count - 1);
        return true;
    }

    /// <inheritdoc/>
    public void Pause(long microseconds)
    {
        // The framework's shortest sleep is a millisecond, too long for a packet to wait; and this socket sends datagrams one by one anyway.
    }

    /// <inheritdoc/>
    public int ReceiveBatch()
    {
        var count = 0;
        while (count < IBatchSocket.BatchSize && _socket.Poll(0, SelectMode.SelectRead))
        {
            try
            {
                _from.Size = SocketAddress.GetMaximumAddressSize(_from.Family);
                var length = _socket.ReceiveFrom(Buffer(_in, count), SocketFlags.None, _from);
                if (length > WakeUp.Length)
                {
                    _received[count++] = new Entry(SocketAddresses.Read(_from), length);
                }
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock)
            {
                break;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.MessageSize)
            {
                // Windows reports the ICMP error of an earlier send, or a datagram longer than any of ours: pass over it.
                continue;
            }
        }

        return count;
    }

    /// <inheritdoc/>
    public Span<byte> Datagram(int index, out TransportAddress from)
    {
        from = _received[index].Address;
        return Buffer(_in, index)[.._received[index].Length];
    }

    /// <inheritdoc/>
    public Span<byte> Rent() => Buffer(_out, _queued);

    /// <inheritdoc/>
    public void Send(int length, in TransportAddress destination)
    {
        if (!_isIPv6 && !destination.IsIPv4)
        {
            SendFailures++;
            return;
        }

        _toSend[_queued] = new Entry(destination, length);
        if (++_queued == IBatchSocket.BatchSize)
        {
            Flush();
        }
    }

    /// <inheritdoc/>
    public bool HasQueued => _queued > 0;

    /// <inheritdoc/>
    public void FlushAndGather(bool gather) => Flush();

    /// <inheritdoc/>
    public void Flush()
    {
        for (var i = 0; i < _queued; i++)
        {
            try
            {
                SocketAddresses.TryWrite(_toSend[i].Address, _to);
                _socket.SendTo(Buffer(_out, i)[.._toSend[i].Length], SocketFlags.None, _to);
                SendMessages++;
            }
            catch (SocketException)
            {
                // A full buffer or an address that cannot be reached: counted, and real-time data is not sent again.
                SendFailures++;
            }
        }

        _queued = 0;
    }

    /// <inheritdoc/>
    public void Wake()
    {
        lock (_waker)
        {
            try
            {
                _waker.SendTo(WakeUp, SocketFlags.None, _wakeAddress);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable)
            {
                // A full buffer means that the loop has something to wake for.
                return;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        lock (_waker)
        {
            _waker.Dispose();
        }
    }

    private static Span<byte> Buffer(byte[] memory, int index) => memory.AsSpan(index * Media.Net.Datagram.MaxSize, Media.Net.Datagram.MaxSize);

    private readonly record struct Entry(TransportAddress Address, int Length);
}
