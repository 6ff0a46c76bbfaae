using System.Net.Sockets;

namespace Orleans.Runtime.Networking;

/// <summary>
/// The bytes of a TCP connection that the runtime's socket engine knows nothing of: one thread waits for them in the kernel
/// and is woken by it, in place of the engine's thread that would wake another one. Written by one thread at a time, read by one.
/// </summary>
internal sealed class DirectStream : Stream
{
    /// <summary>Connections of a process that have a thread each; those that come later use the runtime's engine.</summary>
    private const int MaxThreads = 256;

    /// <summary>How long a thread waits at a time. To close the connection ends it sooner.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static int _count;

    private readonly Socket _socket;
    private int _isDisposed;

    private DirectStream(Socket socket)
    {
        _socket = socket;

        // The managed socket is one that does not block: it never waits itself, and so never asks the engine to.
        socket.Blocking = false;
    }

    public Socket Socket => _socket;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The stream of a connected socket that nothing was read from yet; it owns the socket.</summary>
    public static Stream Of(Socket socket)
    {
        if (OperatingSystem.IsLinux())
        {
            if (Interlocked.Increment(ref _count) <= MaxThreads)
            {
                return new DirectStream(socket);
            }

            Interlocked.Decrement(ref _count);
        }

        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>Reads what has come: so many bytes, 0 at the end, -1 when there is nothing yet.</summary>
    public int TryRead(Span<byte> buffer)
    {
        var read = _socket.Receive(buffer, SocketFlags.None, out var error);
        return error switch
        {
            SocketError.Success => read,
            SocketError.WouldBlock or SocketError.Interrupted => -1,
            _ => throw Failed(error),
        };
    }

    /// <summary>Sleeps until there is something to read, or the connection has ended; or for nothing, now and then.</summary>
    public void WaitToRead() => _socket.Poll(Patience, SelectMode.SelectRead);

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read;
        while ((read = TryRead(buffer.Span)) < 0)
        {
            await WaitAsync(SelectMode.SelectRead, cancellationToken);
        }

        return read;
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var written = WriteSome(buffer.Span);
        return written == buffer.Length ? ValueTask.CompletedTask : WriteRestAsync(buffer[written..], cancellationToken);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            Interlocked.Decrement(ref _count);
            try
            {
                // Wakes who waits for it.
                _socket.Shutdown(SocketShutdown.Both);
            }
            catch (SocketException)
            {
                // The other side has ended it already: whoever waited is awake.
            }

            _socket.Dispose();
        }

        base.Dispose(disposing);
    }

    private static IOException Failed(SocketError error)
    {
        var inner = new SocketException((int)error);
        return new IOException(inner.Message, inner);
    }

    private async ValueTask WriteRestAsync(ReadOnlyMemory<byte> rest, CancellationToken cancellationToken)
    {
        while (rest.Length > 0)
        {
            await WaitAsync(SelectMode.SelectWrite, cancellationToken);
            rest = rest[WriteSome(rest.Span)..];
        }
    }

    /// <summary>Writes what the system takes.</summary>
    private int WriteSome(ReadOnlySpan<byte> bytes)
    {
        var written = 0;
        while (written < bytes.Length)
        {
            var sent = _socket.Send(bytes[written..], SocketFlags.None, out var error);
            if (error is SocketError.WouldBlock)
            {
                break;
            }

            if (error is not (SocketError.Success or SocketError.Interrupted))
            {
                throw Failed(error);
            }

            written += sent;
        }

        return written;
    }

    /// <summary>Ends when the socket can be read or written, on a thread of its own: this is for the handshake and for a side that does not read.</summary>
    private async Task WaitAsync(SelectMode mode, CancellationToken cancellationToken)
    {
        using var cancelled = cancellationToken.UnsafeRegister(static s => ((DirectStream)s!).Dispose(), this);
        try
        {
            await Task.Factory.StartNew(
                () =>
                {
                    while (!_socket.Poll(Patience, mode))
                    {
                    }
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }
        catch (ObjectDisposedException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }
}
