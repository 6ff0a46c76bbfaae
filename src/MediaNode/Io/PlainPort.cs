using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.MediaNode.Io;

/// <summary>A plain transport's UDP port. It has no memory for batches of its own: the worker's ports share what <see cref="PlainPorts"/> has.</summary>
internal abstract class PlainPort : IPlainPort
{
    private readonly PlainPorts _ports;

    protected PlainPort(Socket socket, IPAddress? announced, PlainPorts ports)
    {
        (_ports, Socket) = (ports, socket);
        var bound = (IPEndPoint)socket.LocalEndPoint!;
        Local = TransportAddress.From(new IPEndPoint(announced ?? bound.Address, bound.Port));
    }

    /// <inheritdoc/>
    public TransportAddress Local { get; }

    /// <summary>Whose port it is, once that is made.</summary>
    public PlainTransport? Transport { get; set; }

    /// <summary>Whether it is the transport's second port.</summary>
    public bool IsRtcp { get; init; }

    /// <summary>Place among the worker's ports.</summary>
    public int Token { get; init; }

    internal Socket Socket { get; }

    /// <summary>Opens and binds. Throws <see cref="SocketException"/>, with AddressAlreadyInUse when the port is taken.</summary>
    /// <param name="endPoint">Where to bind; port 0 for any.</param>
    /// <param name="bufferSize">Bytes of the kernel's buffers.</param>
    public static Socket Bind(IPEndPoint endPoint, int bufferSize)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = true;
            }

            socket.Blocking = false;
            socket.ReceiveBufferSize = bufferSize;
            socket.SendBufferSize = bufferSize;
            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes up to a batch without blocking; returns how many.</summary>
    public abstract int Receive();

    /// <summary>A datagram of the last batch of any port; it may be modified.</summary>
    public abstract Span<byte> Datagram(int index, out TransportAddress from);

    /// <inheritdoc/>
    public abstract Span<byte> Rent();

    /// <inheritdoc/>
    public abstract void Send(int length, in TransportAddress destination);

    /// <inheritdoc/>
    public void Close()
    {
        _ports.Forget(this);
        Socket.Dispose();
    }
}
