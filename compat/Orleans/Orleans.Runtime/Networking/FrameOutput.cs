using System.Buffers;
using Orleans.Serialization;

namespace Orleans.Runtime.Networking;

/// <summary>
/// The frames that leave over one connection. Who wants to send appends to a buffer. When messages came together, what they
/// cause is written together: by whoever appends the last of it, or by the thread pool when that is sooner. Else the first
/// one to append writes at once, and what others append meanwhile goes with the next write.
/// </summary>
internal sealed class FrameOutput(Stream stream, ClusterConnection connection, SentCalls sent, IConnectionEvents events, INetworkFaults? faults)
    : IThreadPoolWorkItem
{
    /// <summary>Writes that one thread does in a row for others, before it leaves them to the thread pool.</summary>
    private const int MaxWritesInARow = 4;

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _closed = new();
    private byte[] _filling = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private byte[] _writing = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private int _filled;
    private int _underWay;
    private bool _isWriting;
    private bool _isFlushQueued;
    private bool _refusesCalls;
    private int _owed;

    /// <summary>What became of a frame.</summary>
    internal enum Result
    {
        /// <summary>It is on its way.</summary>
        Done,

        /// <summary>Too much waits already.</summary>
        Full,

        /// <summary>Nothing is sent any more.</summary>
        Closed,
    }

    public bool IsClosed => _closed.IsCancellationRequested;

    /// <summary>Why it is closed.</summary>
    public Exception? CloseReason { get; private set; }

    /// <summary>A message has come, which most likely causes another.</summary>
    public void Owe() => Interlocked.Increment(ref _owed);

    /// <summary>From now on no call is sent any more.</summary>
    public void RefuseCalls()
    {
        lock (_lock)
        {
            _refusesCalls = true;
        }
    }

    /// <summary>From now on nothing is sent; what was not written is not. False when it was so already.</summary>
    public bool TryClose(Exception? reason)
    {
        lock (_lock)
        {
            if (_closed.IsCancellationRequested)
            {
                return false;
            }

            CloseReason = reason;
            _closed.Cancel();
            return true;
        }
    }

    /// <summary>Whether nothing waits to be written, nor for an answer.</summary>
    public bool IsIdle()
    {
        lock (_lock)
        {
            return _closed.IsCancellationRequested || (!_isWriting && _filled == 0 && sent.Count == 0);
        }
    }

    /// <summary>Sends a finished frame, and returns its writer, unless more bytes than <paramref name="limit"/> would wait then, those of the write that is under way included.</summary>
    public Result Append(Writer frame, int limit, GrainCall? call = null)
    {
        lock (_lock)
        {
            var bytes = frame.Written;
            var isClosed = _closed.IsCancellationRequested || (_refusesCalls && call is not null);
            if (isClosed || _filled + _underWay + bytes.Length > limit)
            {
                frame.Return();
                return isClosed ? Result.Closed : Result.Full;
            }

            if (call is { IsOneWay: false })
            {
                // Here, so that whoever closes the connection fails what was sent and nothing else.
                var id = sent.Add(call, connection);
                if (id == 0)
                {
                    frame.Return();
                    return Result.Full;
                }

                FrameHeader.SetId(frame, id);
            }

            if (_filling.Length - _filled < bytes.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_filling.Length * 2, _filled + bytes.Length));
                _filling.AsSpan(0, _filled).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(_filling);
                _filling = larger;
            }

            bytes.CopyTo(_filling.AsSpan(_filled));
            _filled += bytes.Length;
            frame.Return();
            if (_isWriting)
            {
                return Result.Done;
            }

            var expectsMore = ExpectsMore();
            if (Burst.Current is { } burst && burst.TryDefer(this))
            {
                return Result.Done;
            }

            if (expectsMore)
            {
                if (!_isFlushQueued)
                {
                    _isFlushQueued = true;
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                }

                return Result.Done;
            }

            _isWriting = true;
        }

        _ = WriteAsync();
        return Result.Done;
    }

    /// <summary>Writes what waits, unless somebody does already.</summary>
    public void Flush()
    {
        lock (_lock)
        {
            if (_isWriting || _filled == 0)
            {
                return;
            }

            _isWriting = true;
        }

        _ = WriteAsync();
    }

    /// <summary>Writes what was left to be written with what follows.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        lock (_lock)
        {
            // Not each message causes another: what never comes is forgotten step by step.
            var owed = Volatile.Read(ref _owed);
            Interlocked.Add(ref _owed, -(owed / 8) - Math.Sign(owed));
            _isFlushQueued = false;
        }

        Flush();
    }

    /// <summary>Whether more is about to follow, because more messages came than have gone: a guess that costs little when it is wrong.</summary>
    private bool ExpectsMore()
    {
        var left = Interlocked.Decrement(ref _owed);
        if (left < 0)
        {
            Interlocked.Increment(ref _owed);
        }

        return left > 0;
    }

    private async Task WriteAsync()
    {
        try
        {
            for (var i = 0; ; i++)
            {
                int count;
                lock (_lock)
                {
                    _underWay = 0;
                    if (_filled == 0 || _closed.IsCancellationRequested)
                    {
                        _isWriting = false;
                        break;
                    }

                    if (i == MaxWritesInARow)
                    {
                        _isWriting = false;
                        _isFlushQueued = true;
                        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                        return;
                    }

                    _underWay = count = _filled;
                    (_filling, _writing) = (_writing, _filling);
                    _filled = 0;
                }

                await events.MaySpeakAsync();
                if (faults is not null)
                {
                    await faults.PassAsync(connection.Local.ToString(), connection.Remote.ToString(), _closed.Token);
                }

                await stream.WriteAsync(_writing.AsMemory(0, count), CancellationToken.None);
            }

            connection.SayWhenIdle();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException or System.Net.Sockets.SocketException)
        {
            connection.Close(e);
        }
    }
}
