using System.Net.Sockets;

namespace Orleans.TestingHost;

/// <summary>The two ends of a connection in this process.</summary>
internal static class MemoryStreams
{
    /// <summary>Bytes that one end may be ahead of the other, of the size of a socket's buffers.</summary>
    public const int Capacity = 256 * 1024;

    /// <summary>Two ends: what is written to one is read from the other.</summary>
    public static (Stream Near, Stream Far) MakePair()
    {
        var (there, back) = (new Direction(), new Direction());
        return (new End(back, there), new End(there, back));
    }

    /// <summary>Bytes that go one way.</summary>
    private sealed class Direction
    {
        private readonly Lock _lock = new();
        private byte[] _ring = [];
        private int _start;
        private int _count;
        private bool _isWritten;
        private bool _isRead;
        private bool _isReset;
        private TaskCompletionSource? _changed;

        public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            while (true)
            {
                Task changed;
                lock (_lock)
                {
                    ObjectDisposedException.ThrowIf(_isRead, typeof(Stream));
                    if (_count > 0 || buffer.IsEmpty)
                    {
                        return Take(buffer.Span);
                    }

                    if (_isReset)
                    {
                        throw Broken(SocketError.ConnectionReset);
                    }

                    if (_isWritten)
                    {
                        return 0;
                    }

                    changed = Wait();
                }

                await changed.WaitAsync(cancellationToken);
            }
        }

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            while (!bytes.IsEmpty)
            {
                Task changed;
                lock (_lock)
                {
                    ObjectDisposedException.ThrowIf(_isWritten, typeof(Stream));
                    if (_isRead)
                    {
                        throw Broken(SocketError.ConnectionReset);
                    }

                    var room = Math.Min(bytes.Length, Capacity - _count);
                    if (room > 0)
                    {
                        Add(bytes.Span[..room]);
                        bytes = bytes[room..];
                        continue;
                    }

                    changed = Wait();
                }

                await changed.WaitAsync(cancellationToken);
            }
        }

        /// <summary>Nothing is written any more: the reader gets what is there, then the end, or an error when the connection was broken.</summary>
        public void EndWriting(bool isReset)
        {
            lock (_lock)
            {
                (_isWritten, _isReset) = (true, isReset);
                Signal();
            }
        }

        /// <summary>Nothing is read any more. Answers whether bytes were left.</summary>
        public bool EndReading()
        {
            lock (_lock)
            {
                _isRead = true;
                Signal();
                return _count > 0;
            }
        }

        private static IOException Broken(SocketError error)
        {
            var cause = new SocketException((int)error);
            return new IOException(cause.Message, cause);
        }

        private Task Wait() => (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

        private void Signal()
        {
            _changed?.SetResult();
            _changed = null;
        }

        private void Add(ReadOnlySpan<byte> bytes)
        {
            if (_ring.Length - _count < bytes.Length)
            {
                // Most connections never have much under way.
                var larger = new byte[Math.Min(Capacity, Math.Max(4 * 1024, (_count + bytes.Length) * 2))];
                var count = _count;
                Take(larger);
                (_ring, _start, _count) = (larger, 0, count);
            }

            var end = (_start + _count) % _ring.Length;
            var first = Math.Min(bytes.Length, _ring.Length - end);
            bytes[..first].CopyTo(_ring.AsSpan(end));
            bytes[first..].CopyTo(_ring);
            _count += bytes.Length;
            Signal();
        }

        private int Take(Span<byte> buffer)
        {
            var count = Math.Min(buffer.Length, _count);
            if (count > 0)
            {
                var first = Math.Min(count, _ring.Length - _start);
                _ring.AsSpan(_start, first).CopyTo(buffer);
                _ring.AsSpan(0, count - first).CopyTo(buffer[first..]);
                _start = (_start + count) % _ring.Length;
                _count -= count;
                Signal();
            }

            return count;
        }
    }

    private sealed class End(Direction incoming, Direction outgoing) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => incoming.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            incoming.ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => outgoing.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            outgoing.WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            // As TCP has it: whoever closes without having read everything breaks the connection.
            outgoing.EndWriting(isReset: incoming.EndReading());
            base.Dispose(disposing);
        }
    }
}
