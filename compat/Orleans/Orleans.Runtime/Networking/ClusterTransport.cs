using System.Net;
using System.Net.Sockets;

namespace Orleans.Runtime.Networking;

/// <summary>What carries the bytes between processes of the cluster: TCP, unless a test cluster brings its own.</summary>
internal interface IClusterTransport
{
    /// <summary>Takes an endpoint, so that it is known before anybody may come; port 0 takes any that is free.</summary>
    IClusterListener Bind(IPEndPoint endpoint);

    /// <summary>Opens a connection. Fails with a <see cref="SocketException"/> when nobody listens there.</summary>
    ValueTask<Stream> ConnectAsync(IPEndPoint endpoint, CancellationToken cancellationToken);
}

/// <summary>Where others can connect to.</summary>
internal interface IClusterListener : IDisposable
{
    /// <summary>Where it is, with the port that was taken.</summary>
    IPEndPoint Endpoint { get; }

    /// <summary>From now on connections come.</summary>
    void Listen(int backlog);

    /// <summary>The next connection, and who it says to be on the network.</summary>
    ValueTask<(Stream Stream, string Peer)> AcceptAsync(CancellationToken cancellationToken);
}

/// <summary>TCP.</summary>
internal sealed class SocketTransport : IClusterTransport
{
    public static SocketTransport Instance { get; } = new();

    public IClusterListener Bind(IPEndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(endpoint);
            return new Listener(socket);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask<Stream> ConnectAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class Listener(Socket socket) : IClusterListener
    {
        public IPEndPoint Endpoint { get; } = (IPEndPoint)socket.LocalEndPoint!;

        public void Listen(int backlog) => socket.Listen(backlog);

        public async ValueTask<(Stream Stream, string Peer)> AcceptAsync(CancellationToken cancellationToken)
        {
            while (true)
            {
                var accepted = await socket.AcceptAsync(cancellationToken);
                try
                {
                    accepted.NoDelay = true;
                    return (new NetworkStream(accepted, ownsSocket: true), accepted.RemoteEndPoint?.ToString() ?? "an unknown peer");
                }
                catch (Exception e) when (e is IOException or SocketException)
                {
                    // Who came has gone already.
                    accepted.Dispose();
                }
            }
        }

        public void Dispose() => socket.Dispose();
    }
}
