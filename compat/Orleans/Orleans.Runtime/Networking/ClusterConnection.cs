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
/// An open connection between two processes of the cluster. Who wants to send appends to a buffer. When messages came
/// together, what they cause is written together: by whoever appends the last of it, or by the thread pool when that is
/// sooner. Else the first one to append writes at once, and what others append meanwhile goes with the next write.
/// </summary>
internal sealed class ClusterConnection : IAsyncDisposable, IThreadPoolWorkItem
{
    /// <summary>Bytes of the longest frame that is taken.</summary>
    public const int MaxFrameLength = 64 * 1024 * 1024;

    /// <summary>Writes that one thread does in a row for others, before it leaves them to the thread pool.</summary>
    private const int MaxWritesInARow = 4;

    /// <summary>Bytes that wait to be sent; with more, calls are refused.</summary>
    private const int MaxWaiting = 64 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly Stream _stream;
    private readonly CallRuntime _runtime;
    private readonly IConnectionEvents _events;
    private readonly INetworkFaults? _faults;
    private readonly SentCalls _sent = new();
    private readonly ConcurrentDictionary<ulong, IReceivedCall> _received = new();
    private readonly Reader _reader;
    private readonly CancellationTokenSource _closed = new();
    private byte[] _filling = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private byte[] _writing = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private int _filled;
    private bool _isWriting;
    private bool _isFlushQueued;
    private int _owed;
    private byte[] _input = new byte[64 * 1024];
    private int _start;
    private int _end;
    private Exception? _closeReason;
    private bool _refusesCalls;
    private TaskCompletionSource? _idle;

    public ClusterConnection(Stream stream, PeerIdentity local, PeerIdentity remote, CallRuntime runtime, IConnectionEvents events, INetworkFaults? faults)
    {
        _stream = stream;
        Local = local;
        Remote = remote;
        _runtime = runtime;
        _events = events;
        _reader = new Reader(default, runtime.Caller);
        _faults = faults;
    }

    public PeerIdentity Local { get; }

    public PeerIdentity Remote { get; }

    public bool IsClosed => _closed.IsCancellationRequested;

    /// <summary>Sends a call. False when the connection is closed, so that it was not sent. A call that cannot be written fails.</summary>
    public bool TrySend(GrainCall call, long viewVersion)
    {
        Writer writer;
        try
        {
            writer = WireCall.Write(call, viewVersion);
        }
        catch (OrleansException e)
        {
            call.Fail(e);
            return true;
        }

        switch (Append(writer, MaxWaiting, call))
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

    /// <summary>From now on no call is sent any more.</summary>
    public void RefuseCalls()
    {
        lock (_lock)
        {
            _refusesCalls = true;
        }
    }

    /// <summary>Ends when no call waits for its answer and all that was to be sent is written, or when it is closed.</summary>
    public Task IdleAsync()
    {
        var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var idle = Interlocked.CompareExchange(ref _idle, made, null) ?? made;
        SayWhenIdle();
        return idle.Task;
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
    public void Forget(ulong id)
    {
        _sent.Take(id);
        SayWhenIdle();
    }

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
        foreach (var call in _sent.TakeAll())
        {
            call.Fail(new SiloUnavailableException($"The connection to {Remote} was lost before {call.Target} answered.", reason));
        }

        foreach (var (_, call) in _received)
        {
            call.Cancel();
        }

        SayWhenIdle();
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private async Task ReadAsync()
    {
        while (true)
        {
            var gate = TakeFrames(out var held);
            if (!gate.IsCompletedSuccessfully)
            {
                if (held is not null)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(held, preferLocal: true);
                }

                await gate;
                continue;
            }

            // Closing the stream ends the read: a token would have to be registered with each one.
            var reading = _stream.ReadAsync(_input.AsMemory(_end), CancellationToken.None);
            int read;
            if (held is null)
            {
                read = await reading;
            }
            else if (reading.IsCompleted)
            {
                ThreadPool.UnsafeQueueUserWorkItem(held, preferLocal: true);
                read = await reading;
            }
            else
            {
                read = await new HeldWork.Beside(reading, held);
            }

            if (read == 0)
            {
                return;
            }

            _end += read;
        }
    }

    /// <summary>Takes every frame that has come in full, and makes room for the next bytes. The answer ends when there is leave to go on.</summary>
    private ValueTask TakeFrames(out IThreadPoolWorkItem? held)
    {
        HeldWork.Begin();
        try
        {
            while (_end - _start >= FrameHeader.LengthLength)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(_input.AsSpan(_start)) + FrameHeader.LengthLength;
                if (length is < FrameHeader.Length or > MaxFrameLength)
                {
                    throw new OrleansException($"{Remote} sent a frame of {length} bytes.");
                }

                if (_end - _start < length)
                {
                    MakeRoom(length);
                    return ValueTask.CompletedTask;
                }

                var gate = _events.MaySpeakAsync();
                if (!gate.IsCompletedSuccessfully)
                {
                    return gate;
                }

                Interlocked.Increment(ref _owed);
                Take(length);
                _start += length;
            }

            MakeRoom(FrameHeader.Length);
            return ValueTask.CompletedTask;
        }
        finally
        {
            held = HeldWork.End();
        }
    }

    /// <summary>Moves what there is of a frame to the front when there is no room for the rest of it.</summary>
    private void MakeRoom(int length)
    {
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }

        if (_input.Length - _start < length)
        {
            var target = _input.Length < length ? new byte[Math.Max(length, _input.Length * 2)] : _input;
            _input.AsSpan(_start, _end - _start).CopyTo(target);
            (_input, _start, _end) = (target, 0, _end - _start);
        }
    }

    private void Take(int length)
    {
        var header = FrameHeader.Read(_input.AsSpan(_start + FrameHeader.LengthLength));
        var payload = _reader;
        payload.Reset(_input, _start + FrameHeader.Length, length - FrameHeader.Length);
        switch (header.Kind)
        {
            case FrameKind.Call or FrameKind.OneWayCall:
                TakeCall(header, payload);
                break;
            case FrameKind.Answer:
                _sent.Take(header.Id)?.Answer(payload);
                SayWhenIdle();
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

    private void TakeCall(in FrameHeader header, Reader payload)
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

    private AppendResult Append(Writer frame, int limit, GrainCall? call = null)
    {
        lock (_lock)
        {
            var bytes = frame.Written;
            var isClosed = _closed.IsCancellationRequested || (_refusesCalls && call is not null);
            if (isClosed || _filled + bytes.Length > limit)
            {
                frame.Return();
                return isClosed ? AppendResult.Closed : AppendResult.Full;
            }

            if (call is { IsOneWay: false })
            {
                // Here, so that whoever closes the connection fails what was sent and nothing else.
                var id = _sent.Add(call, this);
                if (id == 0)
                {
                    frame.Return();
                    return AppendResult.Full;
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
                return AppendResult.Done;
            }

            if (ExpectsMore())
            {
                if (!_isFlushQueued)
                {
                    _isFlushQueued = true;
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                }

                return AppendResult.Done;
            }

            _isWriting = true;
        }

        _ = WriteAsync();
        return AppendResult.Done;
    }

    /// <summary>Called after whatever may have been the last thing that somebody waits for in <see cref="IdleAsync"/>.</summary>
    private void SayWhenIdle()
    {
        if (Volatile.Read(ref _idle) is not { } idle)
        {
            return;
        }

        lock (_lock)
        {
            if (!_closed.IsCancellationRequested && (_isWriting || _filled > 0 || _sent.Count > 0))
            {
                return;
            }
        }

        Interlocked.CompareExchange(ref _idle, null, idle);
        idle.TrySetResult();
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

    /// <summary>Writes what was left to be written with what follows.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        lock (_lock)
        {
            // Not each message causes another: what never comes is forgotten step by step.
            var owed = Volatile.Read(ref _owed);
            Interlocked.Add(ref _owed, -(owed / 8) - Math.Sign(owed));
            _isFlushQueued = false;
            if (_isWriting || _filled == 0)
            {
                return;
            }

            _isWriting = true;
        }

        _ = WriteAsync();
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

                    count = _filled;
                    (_filling, _writing) = (_writing, _filling);
                    _filled = 0;
                }

                await _events.MaySpeakAsync();
                if (_faults is not null)
                {
                    await _faults.PassAsync(Local.ToString(), Remote.ToString(), _closed.Token);
                }

                await _stream.WriteAsync(_writing.AsMemory(0, count), CancellationToken.None);
            }

            SayWhenIdle();
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
