using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using Orleans.Serialization;

namespace Orleans.Runtime.Networking;

/// <summary>What happens on a connection. Called on the thread that reads it.</summary>
internal interface IConnectionEvents
{
    /// <summary>A call came.</summary>
    void OnCall(ClusterConnection connection, GrainCall call);

    /// <summary>It is closed; every call that waited on it has failed.</summary>
    void OnClosed(ClusterConnection connection, Exception? reason);

    /// <summary>Ends once this process may speak: at once, but after a long standstill only when it knows that it still belongs to the cluster.</summary>
    ValueTask MaySpeakAsync();
}

/// <summary>
/// An open connection between two processes of the cluster. Who wants to send appends to a buffer; the first one to do
/// so writes it, and what others append meanwhile goes with the next write.
/// </summary>
internal sealed class ClusterConnection : IAsyncDisposable
{
    /// <summary>Bytes of the longest frame that is taken.</summary>
    public const int MaxFrameLength = 64 * 1024 * 1024;

    /// <summary>Bytes that wait to be sent; with more, calls are refused.</summary>
    private const int MaxWaiting = 64 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly Stream _stream;
    private readonly CallRuntime _runtime;
    private readonly IConnectionEvents _events;
    private readonly INetworkFaults? _faults;
    private readonly ConcurrentDictionary<ulong, GrainCall> _sent = new();
    private readonly ConcurrentDictionary<ulong, IReceivedCall> _received = new();
    private readonly CancellationTokenSource _closed = new();
    private byte[] _filling = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private byte[] _writing = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private int _filled;
    private bool _isWriting;
    private Exception? _closeReason;
    private ulong _lastId;

    public ClusterConnection(Stream stream, PeerIdentity local, PeerIdentity remote, CallRuntime runtime, IConnectionEvents events, INetworkFaults? faults)
    {
        _stream = stream;
        Local = local;
        Remote = remote;
        _runtime = runtime;
        _events = events;
        _faults = faults;
    }

    public PeerIdentity Local { get; }

    public PeerIdentity Remote { get; }

    public bool IsClosed => _closed.IsCancellationRequested;

    /// <summary>Calls that wait for an answer from the other side.</summary>
    public int Waiting => _sent.Count;

    /// <summary>Sends a call. False when the connection is closed, so that it was not sent. A call that cannot be written fails.</summary>
    public bool TrySend(GrainCall call, long viewVersion)
    {
        var id = call.IsOneWay ? 0 : Interlocked.Increment(ref _lastId);
        Writer writer;
        try
        {
            writer = WireCall.Write(call, id, viewVersion);
        }
        catch (OrleansException e)
        {
            call.Fail(e);
            return true;
        }

        switch (Append(writer, MaxWaiting, call, id))
        {
            case AppendResult.Done:
                return true;
            case AppendResult.Full:
                call.Fail(new GatewayTooBusyException($"{Remote} does not keep up: {MaxWaiting >> 20} MB wait to be sent."));
                return true;
            default:
                return false;
        }
    }

    /// <summary>Sends a finished frame and returns its writer.</summary>
    public void Send(Writer frame)
    {
        if (Append(frame, int.MaxValue) == AppendResult.Full)
        {
            Close(new IOException("The other side does not read."));
        }
    }

    /// <summary>Tells the other side that a call's caller waits no more.</summary>
    public void SendCancel(ulong id)
    {
        var writer = FrameHeader.Begin();
        new FrameHeader(FrameKind.Cancel, id, 0, 0).End(writer);
        Send(writer);
    }

    /// <summary>A sent call has ended.</summary>
    public void Forget(ulong id) => _sent.TryRemove(id, out _);

    /// <summary>A received call can be cancelled from now on.</summary>
    public void NoteReceived(ulong id, IReceivedCall call) => _received[id] = call;

    /// <summary>A received call was answered.</summary>
    public void ForgetReceived(ulong id) => _received.TryRemove(id, out _);

    /// <summary>Reads frames until the connection is closed by either side.</summary>
    public async Task RunAsync()
    {
        Exception? reason = null;
        try
        {
            await ReadAsync();
        }
        catch (Exception e)
        {
            reason = e;
            if (e is not (IOException or ObjectDisposedException or OperationCanceledException or OrleansException or System.Net.Sockets.SocketException))
            {
                // A fault of ours must not leave a connection that nobody reads.
                _runtime.Log.ConnectionBroken(e, Remote.ToString());
            }
        }

        Close(reason);
        _events.OnClosed(this, _closeReason);
    }

    /// <summary>Closes it; calls that wait for answers fail, because nobody knows whether they ran.</summary>
    public void Close(Exception? reason = null)
    {
        lock (_lock)
        {
            if (_closed.IsCancellationRequested)
            {
                return;
            }

            _closeReason = reason;
            _closed.Cancel();
        }

        _stream.Dispose();
        foreach (var (id, call) in _sent)
        {
            if (_sent.TryRemove(id, out _))
            {
                call.Fail(new SiloUnavailableException($"The connection to {Remote} was lost before {call.Target} answered.", reason));
            }
        }

        foreach (var (_, call) in _received)
        {
            call.Cancel();
        }
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[32 * 1024];
        var (start, end) = (0, 0);
        while (true)
        {
            // A frame in full, or what there is of one moved to the front with room for the rest.
            while (end - start >= FrameHeader.LengthLength)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(start)) + FrameHeader.LengthLength;
                if (length is < FrameHeader.Length or > MaxFrameLength)
                {
                    throw new OrleansException($"{Remote} sent a frame of {length} bytes.");
                }

                if (end - start < length)
                {
                    if (buffer.Length - start < length)
                    {
                        var target = buffer.Length < length ? new byte[Math.Max(length, buffer.Length * 2)] : buffer;
                        buffer.AsSpan(start, end - start).CopyTo(target);
                        (buffer, start, end) = (target, 0, end - start);
                    }

                    break;
                }

                await _events.MaySpeakAsync();
                Take(buffer.AsMemory(start + FrameHeader.LengthLength, length - FrameHeader.LengthLength));
                start += length;
            }

            if (start == end)
            {
                (start, end) = (0, 0);
            }
            else if (buffer.Length - end < FrameHeader.Length)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                (start, end) = (0, end - start);
            }

            var read = await _stream.ReadAsync(buffer.AsMemory(end), _closed.Token);
            if (read == 0)
            {
                return;
            }

            end += read;
        }
    }

    private void Take(ReadOnlyMemory<byte> frame)
    {
        const int HeaderRest = FrameHeader.Length - FrameHeader.LengthLength;
        var header = FrameHeader.Read(frame.Span);
        var payload = frame[HeaderRest..];
        switch (header.Kind)
        {
            case FrameKind.Call or FrameKind.OneWayCall:
                TakeCall(header, payload);
                break;
            case FrameKind.Answer:
                if (_sent.TryRemove(header.Id, out var call))
                {
                    call.Answer(payload);
                }

                break;
            case FrameKind.Cancel:
                if (_received.TryGetValue(header.Id, out var received))
                {
                    received.Cancel();
                }

                break;
            default:
                // A kind of a later build: it does not concern us.
                break;
        }
    }

    private void TakeCall(in FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        GrainCall call;
        try
        {
            call = WireCall.Read(_runtime, this, header, payload);
        }
        catch (OrleansException e)
        {
            if (header.Kind == FrameKind.Call)
            {
                WireAnswer.SendFailure(this, header.Id, e);
            }
            else
            {
                _runtime.Log.OneWayNotUnderstood(e, Remote.ToString());
            }

            return;
        }

        _events.OnCall(this, call);
    }

    private AppendResult Append(Writer frame, int limit, GrainCall? call = null, ulong id = 0)
    {
        lock (_lock)
        {
            var bytes = frame.Written;
            if (_closed.IsCancellationRequested || _filled + bytes.Length > limit)
            {
                frame.Return();
                return _closed.IsCancellationRequested ? AppendResult.Closed : AppendResult.Full;
            }

            if (id != 0)
            {
                // Here, so that whoever closes the connection fails what was sent and nothing else.
                call!.Sent = new SentCall(this, id);
                _sent[id] = call;
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
                return AppendResult.Done;
            }

            _isWriting = true;
        }

        _ = WriteAsync();
        return AppendResult.Done;
    }

    private async Task WriteAsync()
    {
        try
        {
            while (true)
            {
                int count;
                lock (_lock)
                {
                    if (_filled == 0 || _closed.IsCancellationRequested)
                    {
                        _isWriting = false;
                        return;
                    }

                    count = _filled;
                    (_filling, _writing) = (_writing, _filling);
                    _filled = 0;
                }

                await _events.MaySpeakAsync();
                if (_faults is not null)
                {
                    await _faults.PassAsync(Local.ToString(), Remote.ToString(), _closed.Token);
                }

                await _stream.WriteAsync(_writing.AsMemory(0, count), _closed.Token);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException or System.Net.Sockets.SocketException)
        {
            Close(e);
        }
    }

    private enum AppendResult
    {
        Done,
        Full,
        Closed,
    }
}

/// <summary>A test's hand on the network between two processes.</summary>
internal interface INetworkFaults
{
    /// <summary>Whether <paramref name="from"/> can reach <paramref name="to"/> to open a connection.</summary>
    bool IsCut(string from, string to);

    /// <summary>Ends when bytes may go: after the link's delay, and not while it is cut.</summary>
    ValueTask PassAsync(string from, string to, CancellationToken cancellationToken);
}
