using System.Net;
using System.Net.Sockets;
using Orleans.Runtime.Networking;

namespace VoiceCluster.Engine.Tests.Networking;

/// <summary>TCP through a relay that cuts what goes through into pieces of any length, and can end all connections.</summary>
internal sealed class Relay(int seed) : IClusterTransport, IDisposable
{
    /// <summary>Pieces are short most of the time, so that headers are cut as well.</summary>
    private const int MaxPiece = 64;

    private readonly Lock _lock = new();
    private readonly Random _random = new(seed);
    private readonly List<Socket> _sockets = [];
    private int _opened;

    /// <summary>Connections opened so far.</summary>
    public int Opened => Volatile.Read(ref _opened);

    public IClusterListener Bind(IPEndPoint endpoint) => SocketTransport.Direct.Bind(endpoint);

    public async ValueTask<Stream> ConnectAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var connecting = SocketTransport.Direct.ConnectAsync((IPEndPoint)listener.LocalEndpoint, cancellationToken);
        var near = await listener.AcceptSocketAsync(cancellationToken);
        var far = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        lock (_lock)
        {
            _sockets.AddRange([near, far]);
        }

        await far.ConnectAsync(endpoint, cancellationToken);
        _ = CopyAsync(near, far);
        _ = CopyAsync(far, near);
        Interlocked.Increment(ref _opened);
        return await connecting;
    }

    /// <summary>Ends every connection, in the middle of whatever it carries.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _sockets.ForEach(s => s.Dispose());
            _sockets.Clear();
        }
    }

    public void Dispose() => Cut();

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer.AsMemory(0, NextLength(buffer.Length)))) > 0)
            {
                await to.SendAsync(buffer.AsMemory(0, read));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut, or closed by either side.
        }

        from.Dispose();
        to.Dispose();
    }

    private int NextLength(int max)
    {
        lock (_lock)
        {
            return _random.Next(4) == 0 ? _random.Next(1, max) : _random.Next(1, MaxPiece);
        }
    }
}
