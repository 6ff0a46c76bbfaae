using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>A namespace: who may enter it, and what is done with its sockets.</summary>
public sealed partial class SocketIoNamespace
{
    private readonly ConcurrentDictionary<string, SocketIoSocket> _sockets = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SocketIoSocket> _recoverable = new(StringComparer.Ordinal);
    private readonly ILogger _logger;
    private Func<SocketIoHandshake, ValueTask<string?>>? _gatekeeper;
    private Action<SocketIoSocket>? _connected;
    private Action<SocketIoSocket>? _stopping;

    internal SocketIoNamespace(string name, SocketIoOptions options, TimeProvider time, ILogger logger)
    {
        Name = name;
        Options = options;
        Time = time;
        _logger = logger;
    }

    public string Name { get; }

    /// <summary>Sockets that are connected or may come back.</summary>
    public int Count => _sockets.Count;

    /// <summary>The sockets that <see cref="Count"/> counts.</summary>
    internal IEnumerable<SocketIoSocket> Sockets => _sockets.Values;

    internal SocketIoOptions Options { get; }

    internal TimeProvider Time { get; }

    /// <summary>Decides who may connect: null lets the client in, a text refuses it with that message.</summary>
    public SocketIoNamespace Use(Func<SocketIoHandshake, ValueTask<string?>> gatekeeper)
    {
        _gatekeeper = gatekeeper;
        return this;
    }

    /// <summary>Called for each new socket before its first event; it sets the handlers.</summary>
    public SocketIoNamespace OnConnection(Action<SocketIoSocket> connected)
    {
        _connected = connected;
        return this;
    }

    /// <summary>Called for each socket when the server stops, before the socket ends: the last chance to tell its client.</summary>
    public SocketIoNamespace OnStopping(Action<SocketIoSocket> stopping)
    {
        _stopping = stopping;
        return this;
    }

    /// <summary>Answers a CONNECT: a socket that comes back, a new one, or null after a refusal.</summary>
    internal async ValueTask<SocketIoSocket?> ConnectAsync(SocketIoConnection connection, JsonElement auth)
    {
        var handshake = new SocketIoHandshake(auth, connection.Address);
        if (_gatekeeper is not null && await _gatekeeper(handshake).ConfigureAwait(false) is { } refusal)
        {
            connection.Send([SocketPacketWriter.ConnectError(Name, refusal)]);
            return null;
        }

        if (ReadText(auth, "pid") is { } pid
            && _recoverable.TryGetValue(pid, out SocketIoSocket? earlier)
            && earlier.TryResume(connection, ReadText(auth, "offset"), handshake))
        {
            LogResumed(_logger, Name, earlier.Id);
            return earlier;
        }

        var socket = new SocketIoSocket(this, NewId(), NewId(), handshake, connection);
        _sockets[socket.Id] = socket;
        _recoverable[socket.RecoveryId] = socket;
        _connected?.Invoke(socket);
        connection.Send([SocketPacketWriter.Connect(Name, socket.Id, socket.RecoveryId)]);
        LogConnected(_logger, Name, socket.Id, handshake.Address);
        return socket;
    }

    internal void Remove(SocketIoSocket socket)
    {
        _recoverable.TryRemove(socket.RecoveryId, out _);
        _sockets.TryRemove(socket.Id, out _);
    }

    /// <summary>Ends all sockets and waits until their handlers have run.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        SocketIoSocket[] sockets = [.. _sockets.Values];
        foreach (SocketIoSocket socket in sockets)
        {
            _stopping?.Invoke(socket);
            socket.End(DisconnectReason.ServerShutdown);
        }

        await Task.WhenAll(sockets.Select(s => s.Running)).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    internal void OnHandlerFailed(SocketIoSocket socket, Exception exception) => LogHandlerFailed(_logger, exception, Name, socket.Id);

    /// <summary>160 random bits: the recovery id is a secret that lets its bearer take the socket over.</summary>
    internal static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    private static string? ReadText(JsonElement auth, string property)
        => auth.ValueKind == JsonValueKind.Object && auth.TryGetProperty(property, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    [LoggerMessage(3000, LogLevel.Debug, "Socket {SocketId} connected to {Namespace} from {Address}")]
    private static partial void LogConnected(ILogger logger, string @namespace, string socketId, string address);

    [LoggerMessage(3001, LogLevel.Information, "Socket {SocketId} of {Namespace} came back and goes on")]
    private static partial void LogResumed(ILogger logger, string @namespace, string socketId);

    [LoggerMessage(3002, LogLevel.Error, "A handler of {Namespace} failed for socket {SocketId}")]
    private static partial void LogHandlerFailed(ILogger logger, Exception exception, string @namespace, string socketId);
}
