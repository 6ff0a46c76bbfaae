using System.Collections.Concurrent;
using System.Net.Sockets;
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
/// An open connection between two processes of the cluster: the calls that wait for answers over it, and what its frames
/// mean. <see cref="FrameInput"/> and <see cref="FrameOutput"/> move the bytes.
/// </summary>
internal sealed class ClusterConnection : IAsyncDisposable
{
    /// <summary>Bytes that wait to be sent; with more, calls are refused.</summary>
    private const int MaxWaiting = 64 * 1024 * 1024;

    /// <summary>Bytes that wait to be sent, answers included, which cannot be refused; with more, the connection ends.</summary>
    private const int MaxWaitingAnswers = 2 * MaxWaiting;

    private readonly Stream _stream;
    private readonly CallRuntime _runtime;
    private readonly IConnectionEvents _events;
    private readonly SentCalls _sent = new();
    private readonly ConcurrentDictionary<ulong, IReceivedCall> _received = new();
    private readonly Reader _reader;
    private readonly FrameOutput _output;
    private readonly FrameInput _input;
    private TaskCompletionSource? _idle;

    public ClusterConnection(Stream stream, PeerIdentity local, PeerIdentity remote, CallRuntime runtime, IConnectionEvents events, INetworkFaults? faults, Socket? socket)
    {
        _stream = stream;
        Local = local;
        Remote = remote;
        _runtime = runtime;
        _events = events;
        _reader = new Reader(default, runtime.Caller);
        _output = new FrameOutput(stream, this, _sent, events, faults);
        _input = stream is DirectStream direct ? new ThreadInput(direct, this, events) : new StreamInput(stream, socket, this, events);
    }

    public PeerIdentity Local { get; }

    public PeerIdentity Remote { get; }

    public bool IsClosed => _output.IsClosed;

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

        switch (_output.Append(writer, MaxWaiting, call))
        {
            case FrameOutput.Result.Done:
                return true;
            case FrameOutput.Result.Full:
                call.Fail(new GatewayTooBusyException($"{Remote} does not keep up: {MaxWaiting >> 20} MB wait to be sent."));
                return true;
            default:
                return false;
        }
    }

    /// <summary>From now on no call is sent any more.</summary>
    public void RefuseCalls() => _output.RefuseCalls();

    /// <summary>Whether a call of that kind waits for its answer.</summary>
    public bool Awaits(Predicate<GrainCall> predicate) => _sent.Any(predicate);

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
        if (_output.Append(frame, MaxWaitingAnswers) == FrameOutput.Result.Full)
        {
            _runtime.Log.DoesNotRead(Remote.ToString(), MaxWaitingAnswers >> 20);
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

    /// <summary>Starts to read. Some frames may have been taken when it answers.</summary>
    public void Start() => _input.Run();

    /// <summary>Nothing more is read: the other side has closed the connection, or there was a fault.</summary>
    public void OnEnd(Exception? reason)
    {
        if (reason is NoFrameException)
        {
            _runtime.Log.NoFrame(Remote.ToString(), reason.Message);
        }
        else if (reason is not (null or IOException or ObjectDisposedException or OperationCanceledException or OrleansException or SocketException))
        {
            // A fault of ours must not leave a connection that nobody reads.
            _runtime.Log.ConnectionBroken(reason, Remote.ToString());
        }

        Close(reason);
        _events.OnClosed(this, _output.CloseReason);
    }

    /// <summary>Closes it; calls that wait for answers fail, because nobody knows whether they ran.</summary>
    public void Close(Exception? reason = null)
    {
        if (!_output.TryClose(reason))
        {
            return;
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

    /// <summary>A frame has come; the bytes are the caller's again afterwards. Called by one thread at a time.</summary>
    public void Take(byte[] bytes, int start, int length)
    {
        _output.Owe();
        var header = FrameHeader.Read(bytes.AsSpan(start + FrameHeader.LengthLength));
        var payload = _reader;
        payload.Reset(bytes, start + FrameHeader.Length, length - FrameHeader.Length);
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

    /// <summary>Called after whatever may have been the last thing that somebody waits for in <see cref="IdleAsync"/>.</summary>
    public void SayWhenIdle()
    {
        if (Volatile.Read(ref _idle) is { } idle && _output.IsIdle())
        {
            Interlocked.CompareExchange(ref _idle, null, idle);
            idle.TrySetResult();
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
}

/// <summary>A test's hand on the network between two processes.</summary>
internal interface INetworkFaults
{
    /// <summary>Whether <paramref name="from"/> can reach <paramref name="to"/> to open a connection.</summary>
    bool IsCut(string from, string to);

    /// <summary>Ends when bytes may go: after the link's delay, and not while it is cut.</summary>
    ValueTask PassAsync(string from, string to, CancellationToken cancellationToken);
}
