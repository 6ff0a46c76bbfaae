using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Orleans.Runtime.Networking;

namespace Orleans.TestingHost;

/// <summary>
/// A network in this process: nothing is on its way that the thread pool does not know of. Its connections are as those of
/// TCP: refused where nobody listens, closed when either end closes, and slow when the other end does not read.
/// </summary>
internal sealed class MemoryTransport : IClusterTransport
{
    private readonly ConcurrentDictionary<IPEndPoint, Listener> _listeners = new();
    private int _lastPort;

    public IClusterListener Bind(IPEndPoint endpoint)
    {
        while (true)
        {
            var listener = new Listener(this, endpoint.Port == 0 ? new IPEndPoint(endpoint.Address, TakePort()) : endpoint);
            if (_listeners.TryAdd(listener.Endpoint, listener))
            {
                return listener;
            }

            if (endpoint.Port != 0)
            {
                throw new SocketException((int)SocketError.AddressAlreadyInUse);
            }
        }
    }

    public ValueTask<Stream> ConnectAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (near, far) = MemoryStreams.MakePair();
        return _listeners.TryGetValue(endpoint, out var listener) && listener.TryAdd(far)
            ? ValueTask.FromResult(near)
            : throw new SocketException((int)SocketError.ConnectionRefused);
    }

    private int TakePort()
    {
        var port = Interlocked.Increment(ref _lastPort);
        return port <= IPEndPoint.MaxPort ? port : throw new SocketException((int)SocketError.AddressNotAvailable);
    }

    private sealed class Listener(MemoryTransport network, IPEndPoint endpoint) : IClusterListener
    {
        private Channel<Stream>? _come;

        public IPEndPoint Endpoint => endpoint;

        public void Listen(int backlog) => _come = Channel.CreateBounded<Stream>(backlog);

        public bool TryAdd(Stream stream) => _come?.Writer.TryWrite(stream) == true;

        public async ValueTask<(Stream Stream, string Peer)> AcceptAsync(CancellationToken cancellationToken)
        {
            try
            {
                return (await (_come ?? throw new InvalidOperationException("It does not listen.")).Reader.ReadAsync(cancellationToken), "a process of the test");
            }
            catch (ChannelClosedException)
            {
                throw new ObjectDisposedException($"The listener at {endpoint}");
            }
        }

        public void Dispose()
        {
            network._listeners.TryRemove(KeyValuePair.Create(endpoint, this));
            _come?.Writer.TryComplete();
            while (_come?.Reader.TryRead(out var stream) == true)
            {
                stream.Dispose();
            }
        }
    }
}
