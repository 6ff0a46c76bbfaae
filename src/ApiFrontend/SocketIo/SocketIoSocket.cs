using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>An event from a client.</summary>
public sealed class SocketIoRequest
{
    private readonly Action<SocketIoPayload>? _ack;
    private int _acknowledged;

    internal SocketIoRequest(SocketIoSocket socket, string name, SocketIoPayload payload, Action<SocketIoPayload>? ack)
    {
        Socket = socket;
        Name = name;
        Payload = payload;
        _ack = ack;
    }

    public SocketIoSocket Socket { get; }

    /// <summary>The event's name.</summary>
    public string Name { get; }

    public SocketIoPayload Payload { get; }

    /// <summary>Whether the client waits for an answer.</summary>
    public bool WantsAck => _ack is not null;

    /// <summary>Answers, at most once; nothing happens when the client wants no answer or has lost the connection it asked on.</summary>
    public void Ack(SocketIoPayload payload)
    {
        if (Interlocked.Exchange(ref _acknowledged, 1) == 0)
        {
            _ack?.Invoke(payload);
        }
    }
}

/// <summary>Where a socket comes from and what it said when it connected.</summary>
/// <param name="Auth">The auth payload of the client, an object or undefined.</param>
/// <param name="Address">The client's address.</param>
public sealed record SocketIoHandshake(JsonElement Auth, string Address)
{
    /// <summary>Whom the namespace's gatekeeper found in <see cref="Auth"/>, or null.</summary>
    public VoiceIdentity? Identity { get; set; }
}

/// <summary>
/// A client in a namespace. It outlives its connection: after a drop it is suspended, and goes on with all that it
/// missed when the client comes back in time (connection state recovery).
/// Events and posted work run one at a time, in order.
/// </summary>
public sealed class SocketIoSocket
{
    private readonly Lock _gate = new();
    private readonly SocketIoNamespace _namespace;
    private readonly SocketIoReplayLog _replay;
    private readonly Channel<Func<Task>> _inbox;
    private readonly ConcurrentDictionary<string, Func<SocketIoRequest, Task>> _handlers = new(StringComparer.Ordinal);
    private readonly Dictionary<long, TaskCompletionSource<SocketIoPayload>> _awaitedAcks = [];
    private readonly ITimer _expiry;
    private readonly TimeProvider _time;
    private SocketIoConnection? _connection;
    private Func<SocketIoRequest, Task>? _otherHandler;
    private Func<DisconnectReason, Task>? _disconnected;
    private Action<SocketIoHandshake>? _resumed;
    private DisconnectReason _reason;
    private long _nextAckId;
    private bool _ended;

    internal SocketIoSocket(SocketIoNamespace ns, string id, string recoveryId, SocketIoHandshake handshake, SocketIoConnection connection)
    {
        _namespace = ns;
        Id = id;
        RecoveryId = recoveryId;
        Handshake = handshake;
        _connection = connection;
        _time = ns.Time;
        _replay = new SocketIoReplayLog(ns.Options.MaxReplayEvents, ns.Options.MaxReplayBytes);
        _inbox = Channel.CreateBounded<Func<Task>>(new BoundedChannelOptions(ns.Options.MaxPendingEvents) { SingleReader = true });
        _expiry = _time.CreateTimer(
            static s => ((SocketIoSocket)s!).End(null), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Running = RunAsync();
    }

    /// <summary>The public id.</summary>
    public string Id { get; }

    /// <summary>The namespace's name.</summary>
    public string Namespace => _namespace.Name;

    public SocketIoHandshake Handshake { get; }

    /// <summary>False while the connection is lost and when the socket has ended.</summary>
    public bool IsConnected
    {
        get
        {
            lock (_gate)
            {
                return _connection is not null;
            }
        }
    }

    /// <summary>The secret with which a client comes back.</summary>
    internal string RecoveryId { get; }

    /// <summary>Completes when the last handler has run.</summary>
    internal Task Running { get; }

    /// <summary>The events that have a handler.</summary>
    internal IEnumerable<string> EventNames => _handlers.Keys;

    /// <summary>Sets the handler of an event.</summary>
    public void On(string name, Func<SocketIoRequest, Task> handler) => _handlers[name] = handler;

    /// <summary>Sets the handler of events that have none.</summary>
    public void OnAny(Func<SocketIoRequest, Task> handler) => _otherHandler = handler;

    /// <summary>Sets what runs, once and last, when the socket has ended for good.</summary>
    public void OnDisconnected(Func<DisconnectReason, Task> handler) => _disconnected = handler;

    /// <summary>Sets what runs when the client has come back over another connection, with what it said then.</summary>
    public void OnResumed(Action<SocketIoHandshake> handler) => _resumed = handler;

    /// <summary>
    /// Sends an event. While the client is away it is kept for it; a volatile one is not. False when it will not arrive.
    /// </summary>
    public bool Emit(string name, SocketIoPayload payload, bool isVolatile = false)
    {
        lock (_gate)
        {
            if (_ended || (isVolatile && _connection is null))
            {
                return false;
            }

            string? offset = isVolatile ? null : _replay.NextOffset;
            EngineFrame[] frames = SocketPacketWriter.Event(Namespace, name, payload, null, offset);
            if (!isVolatile)
            {
                _replay.Add(frames);
            }

            return _connection is null || _connection.Send(frames);
        }
    }

    /// <summary>Sends an event and waits for the client's answer. Cancelled when the connection is lost first.</summary>
    public async Task<SocketIoPayload> EmitWithAckAsync(string name, SocketIoPayload payload, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<SocketIoPayload>(TaskCreationOptions.RunContinuationsAsynchronously);
        long id;
        lock (_gate)
        {
            if (_connection is null)
            {
                throw new OperationCanceledException("The client is not connected.");
            }

            id = _nextAckId++;
            _awaitedAcks.Add(id, answer);
            _connection.Send(SocketPacketWriter.Event(Namespace, name, payload, id, null));
        }

        try
        {
            return await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _awaitedAcks.Remove(id);
            }
        }
    }

    /// <summary>Runs work in order with the handlers of events; false when the socket has ended.</summary>
    public async ValueTask<bool> PostAsync(Func<Task> work)
    {
        try
        {
            await _inbox.Writer.WriteAsync(work).ConfigureAwait(false);
            return true;
        }
        catch (ChannelClosedException)
        {
            return false;
        }
    }

    /// <summary>Removes the client from the namespace.</summary>
    public void Disconnect()
    {
        SocketIoConnection? connection;
        lock (_gate)
        {
            connection = _connection;
            connection?.Send([SocketPacketWriter.Disconnect(Namespace)]);
        }

        connection?.Forget(this);
        End(DisconnectReason.ServerDisconnect);
    }

    internal async ValueTask ReceiveAsync(SocketPacket packet, ReadOnlyMemory<byte>[] attachments)
    {
        if (packet.Type is SocketPacketType.Ack or SocketPacketType.BinaryAck)
        {
            Acknowledge(packet.Id!.Value, SocketIoPayload.OfItems(packet.Payload, attachments));
            return;
        }

        Action<SocketIoPayload>? ack = null;
        SocketIoConnection? asked;
        lock (_gate)
        {
            asked = _connection;
        }

        if (packet.Id is long id)
        {
            ack = payload => SendAck(asked, id, payload);
        }

        string name = packet.Payload[0].GetString()!;
        var request = new SocketIoRequest(this, name, SocketIoPayload.AfterName(packet.Payload, attachments), ack);
        if (_handlers.TryGetValue(name, out Func<SocketIoRequest, Task>? handler) || (handler = _otherHandler) is not null)
        {
            await PostAsync(() => handler(request)).ConfigureAwait(false);
        }
    }

    /// <summary>The connection is gone: waits for the client when it may come back.</summary>
    internal void OnConnectionClosed(SocketIoConnection connection, DisconnectReason reason)
    {
        lock (_gate)
        {
            if (_connection != connection)
            {
                return;
            }

            _connection = null;
            CancelAwaitedAcks();
            if (reason.IsRecoverable() && !_ended)
            {
                _reason = reason;
                _expiry.Change(_namespace.Options.PingTimeout, Timeout.InfiniteTimeSpan);
                return;
            }
        }

        End(reason);
    }

    /// <summary>
    /// Goes on over another connection, replaying what followed <paramref name="offset"/>.
    /// False when too much was missed, or when the socket has ended.
    /// </summary>
    internal bool TryResume(SocketIoConnection connection, string? offset, SocketIoHandshake handshake)
    {
        SocketIoConnection? earlier;
        lock (_gate)
        {
            if (_ended || !_replay.TryGetAfter(offset, out List<EngineFrame[]> missed))
            {
                return false;
            }

            _expiry.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            earlier = _connection;
            _connection = connection;
            CancelAwaitedAcks();
            connection.Send([SocketPacketWriter.Connect(Namespace, Id, RecoveryId)]);
            foreach (EngineFrame[] frames in missed)
            {
                connection.Send(frames);
            }
        }

        // The client noticed the loss of its connection before the server did.
        earlier?.Forget(this);
        _resumed?.Invoke(handshake);
        return true;
    }

    /// <summary>Ends the socket; without a reason, for the one it was suspended for.</summary>
    internal void End(DisconnectReason? reason)
    {
        lock (_gate)
        {
            if (_ended || (reason is null && _connection is not null))
            {
                return;
            }

            _ended = true;
            _reason = reason ?? _reason;
            _connection = null;
            CancelAwaitedAcks();
        }

        _expiry.Dispose();
        _namespace.Remove(this);
        _inbox.Writer.TryComplete();
    }

    private void Acknowledge(long id, SocketIoPayload payload)
    {
        lock (_gate)
        {
            if (_awaitedAcks.Remove(id, out TaskCompletionSource<SocketIoPayload>? answer))
            {
                answer.TrySetResult(payload);
            }
        }
    }

    private void SendAck(SocketIoConnection? asked, long id, SocketIoPayload payload)
    {
        lock (_gate)
        {
            // After a reconnect the client counts the question as lost.
            if (asked is not null && _connection == asked)
            {
                asked.Send(SocketPacketWriter.Ack(Namespace, id, payload));
            }
        }
    }

    private void CancelAwaitedAcks()
    {
        foreach (TaskCompletionSource<SocketIoPayload> answer in _awaitedAcks.Values)
        {
            answer.TrySetCanceled();
        }

        _awaitedAcks.Clear();
    }

    private async Task RunAsync()
    {
        await foreach (Func<Task> work in _inbox.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            await RunOneAsync(work).ConfigureAwait(false);
        }

        if (_disconnected is { } disconnected)
        {
            await RunOneAsync(() => disconnected(_reason)).ConfigureAwait(false);
        }
    }

    private async Task RunOneAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // A handler's bug is logged and ends with its event; the socket goes on.
            _namespace.OnHandlerFailed(this, e);
        }
    }
}
