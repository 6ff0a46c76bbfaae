using System.Buffers.Binary;
using System.Net;
using Orleans.Runtime.Networking;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>TCP whose writes a test can hold back, to let them go as one, with something more behind them.</summary>
internal sealed class TamperedTransport : IClusterTransport
{
    private readonly Lock _lock = new();
    private readonly List<(Stream Stream, ReadOnlyMemory<byte> Bytes)> _held = [];
    private FrameKind? _holding;
    private int _opened;

    /// <summary>Connections opened or accepted so far.</summary>
    public int Opened => Volatile.Read(ref _opened);

    /// <summary>From now on frames of a kind are held back, and whatever else leaves with them.</summary>
    public void Hold(FrameKind kind)
    {
        lock (_lock)
        {
            _holding = kind;
        }
    }

    /// <summary>Frames of that kind which are held back now, on the connection that has most of them.</summary>
    public int Held
    {
        get
        {
            lock (_lock)
            {
                return _held.GroupBy(h => h.Stream).Select(g => g.Sum(h => Count(h.Bytes.Span))).DefaultIfEmpty().Max();
            }
        }
    }

    /// <summary>Lets go what was held: on each connection in one write, with what is given behind it.</summary>
    public async Task ReleaseAsync(byte[] more)
    {
        IGrouping<Stream, (Stream Stream, ReadOnlyMemory<byte> Bytes)>[] held;
        lock (_lock)
        {
            held = [.. _held.GroupBy(h => h.Stream)];
            _held.Clear();
            _holding = null;
        }

        foreach (var connection in held)
        {
            byte[] bytes = [.. connection.SelectMany(h => h.Bytes.ToArray()), .. more];
            await connection.Key.WriteAsync(bytes);
        }
    }

    public IClusterListener Bind(IPEndPoint endpoint) => new Listener(SocketTransport.Instance.Bind(endpoint), this);

    public async ValueTask<Stream> ConnectAsync(IPEndPoint endpoint, CancellationToken cancellationToken) =>
        Wrap(await SocketTransport.Instance.ConnectAsync(endpoint, cancellationToken));

    private Tampered Wrap(Stream stream)
    {
        Interlocked.Increment(ref _opened);
        return new Tampered(stream, this);
    }

    private bool TryHold(Stream stream, ReadOnlyMemory<byte> bytes)
    {
        lock (_lock)
        {
            if (_holding is null || (Count(bytes.Span) == 0 && _held.All(h => h.Stream != stream)))
            {
                return false;
            }

            _held.Add((stream, bytes.ToArray()));
            return true;
        }
    }

    /// <summary>Each write is of whole frames.</summary>
    private int Count(ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        while (bytes.Length > 0)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
            count += FrameHeader.Read(bytes[FrameHeader.LengthLength..]).Kind == _holding ? 1 : 0;
            bytes = bytes[(FrameHeader.LengthLength + length)..];
        }

        return count;
    }

    private sealed class Listener(IClusterListener inner, TamperedTransport transport) : IClusterListener
    {
        public IPEndPoint Endpoint => inner.Endpoint;

        public void Listen(int backlog) => inner.Listen(backlog);

        public async ValueTask<(Stream Stream, string Peer)> AcceptAsync(CancellationToken cancellationToken)
        {
            var (stream, peer) = await inner.AcceptAsync(cancellationToken);
            return (transport.Wrap(stream), peer);
        }

        public void Dispose() => inner.Dispose();
    }

    private sealed class Tampered(Stream inner, TamperedTransport transport) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            transport.TryHold(inner, buffer) ? ValueTask.CompletedTask : inner.WriteAsync(buffer, cancellationToken);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
