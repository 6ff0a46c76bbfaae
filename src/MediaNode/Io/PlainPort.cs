using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.MediaNode.Io;

/// <summary>A plain transport's UDP port, by the framework's Socket: datagrams go one by one and at once, and there is no memory of its own for a batch.</summary>
internal sealed class PlainPort : IPlainPort
{
    private readonly Socket _socket;
    private readonly SocketAddress _from;
    private readonly SocketAddress _to;
    private readonly PlainPorts _ports;

    /// <summary>Opens and binds. Throws <see cref="SocketException"/>, with AddressAlreadyInUse when the port is taken.</summary>
    /// <param name="endPoint">Where to bind; port 0 for any.</param>
    /// <param name="announced">The address that others are told where it differs; null otherwise.</param>
    /// <param name="bufferSize">Bytes of the kernel's buffers.</param>
    /// <param name="ports">The worker's ports, one of which this is.</param>
    public PlainPort(IPEndPoint endPoint, IPAddress? announced, int bufferSize, PlainPorts ports)
    {
        _ports = ports;
        _socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                _socket.DualMode = true;
            }

            _socket.Blocking = false;
            _socket.ReceiveBufferSize = bufferSize;
            _socket.SendBufferSize = bufferSize;
            _socket.Bind(endPoint);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        var bound = (IPEndPoint)_socket.LocalEndPoint!;
        Local = TransportAddress.From(new IPEndPoint(announced ?? bound.Address, bound.Port));
        _from = new SocketAddress(endPoint.AddressFamily);
        _to = new SocketAddress(endPoint.AddressFamily);
    }

    /// <inheritdoc/>
    public TransportAddress Local { get; }

    /// <summary>Whose port it is, once that is made.</summary>
    public PlainTransport? Transport { get; set; }

    /// <summary>Whether it is the transport's second port.</summary>
    public bool IsRtcp { get; init; }

    /// <summary>Place among the worker's ports.</summary>
    public int Token { get; set; }

    internal Socket Socket => _socket;

    /// <summary>Takes a datagram without blocking; false when there is none.</summary>
    public bool TryReceive(Span<byte> buffer, out int length, out TransportAddress from)
    {
        (length, from) = (0, default);
        try
        {
            if (!_socket.Poll(0, SelectMode.SelectRead))
            {
                return false;
            }

            _from.Size = SocketAddress.GetMaximumAddressSize(_from.Family);
            length = _socket.ReceiveFrom(buffer, SocketFlags.None, _from);
            from = SocketAddresses.Read(_from);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock)
        {
            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.MessageSize)
        {
            // The ICMP error of an earlier send, or a datagram longer than any of ours: an empty one, which nobody takes for media.
            length = 0;
        }

        return true;
    }

    /// <inheritdoc/>
    public bool TrySend(ReadOnlySpan<byte> datagram, in TransportAddress destination)
    {
        if (!SocketAddresses.TryWrite(destination, _to))
        {
            return false;
        }

        try
        {
            _socket.SendTo(datagram, SocketFlags.None, _to);
            _ports.Sent++;
            return true;
        }
        catch (SocketException)
        {
            // A full buffer or an address that cannot be reached: the caller counts, and real-time data is not sent again.
            return false;
        }
    }

    /// <inheritdoc/>
    public void Close()
    {
        _ports.Forget(this);
        _socket.Dispose();
    }
}
