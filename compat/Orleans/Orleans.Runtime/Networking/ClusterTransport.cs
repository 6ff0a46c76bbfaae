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

/// <summary>TCP; when it is direct, with streams that the runtime's socket engine knows nothing of.</summary>
internal sealed class SocketTransport(bool isDirect) : IClusterTransport
{
    public static SocketTransport Instance { get; } = new(isDirect: false);

    /// <summary>Without TLS above it.</summary>
    public static SocketTransport Direct { get; } = new(isDirect: true);

    public IClusterListener Bind(IPEndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(endpoint);
            return new Listener(socket, isDirect);
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
            if (isDirect)
            {
                await ConnectAsync(socket, endpoint, cancellationToken);
            }
            else
            {
                await socket.ConnectAsync(endpoint, cancellationToken);
            }

            return StreamOf(socket, isDirect);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Stream StreamOf(Socket socket, bool isDirect) =>
        isDirect ? DirectStream.Of(socket) : new NetworkStream(socket, ownsSocket: true);

    /// <summary>Connects on a thread of its own: the engine would watch the socket for ever.</summary>
    private static async Task ConnectAsync(Socket socket, IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        using var cancelled = cancellationToken.UnsafeRegister(static s => ((Socket)s!).Dispose(), socket);
        try
        {
            await Task.Factory.StartNew(
                () => socket.Connect(endpoint), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        catch (Exception e) when (cancellationToken.IsCancellationRequested && e is SocketException or ObjectDisposedException)
        {
            throw new OperationCanceledException("The connection was not opened in time.", e, cancellationToken);
        }
    }

    private sealed class Listener(Socket socket, bool isDirect) : IClusterListener
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
                    return (StreamOf(accepted, isDirect), accepted.RemoteEndPoint?.ToString() ?? "an unknown peer");
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
