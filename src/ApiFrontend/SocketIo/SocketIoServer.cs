using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text.Json;
using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.SocketIo.Engine;
using VoiceCluster.ApiFrontend.Stopping;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>All Engine.IO sessions of this process and the namespaces they may join.</summary>
public sealed partial class SocketIoServer : ISaysGoodbye
{
    private readonly ConcurrentDictionary<string, EngineSession> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _perAddress = new(StringComparer.Ordinal);
    private readonly ILogger<SocketIoServer> _logger;
    private FrozenDictionary<string, SocketIoNamespace> _namespaces = FrozenDictionary<string, SocketIoNamespace>.Empty;
    private volatile bool _stopping;

    public SocketIoServer(IOptions<SocketIoOptions> options, TimeProvider time, FrontendMetrics metrics, ILogger<SocketIoServer> logger)
    {
        Options = options.Value;
        Time = time;
        Metrics = metrics;
        _logger = logger;
        metrics.ObserveSessions(() => _sessions.Count);
    }

    /// <summary>Open Engine.IO sessions.</summary>
    public int SessionCount => _sessions.Count;

    internal SocketIoOptions Options { get; }

    internal TimeProvider Time { get; }

    internal FrontendMetrics Metrics { get; }

    /// <summary>Adds a namespace, or answers the one that is there. Done while the application is mapped.</summary>
    public SocketIoNamespace Of(string name)
    {
        if (_namespaces.TryGetValue(name, out SocketIoNamespace? present))
        {
            return present;
        }

        var ns = new SocketIoNamespace(name, Options, Time, _logger);
        _namespaces = _namespaces.Append(KeyValuePair.Create(name, ns)).ToFrozenDictionary(StringComparer.Ordinal);
        return ns;
    }

    Task ISaysGoodbye.SayGoodbyeAsync(CancellationToken cancellationToken) => StopAsync(cancellationToken);

    /// <summary>
    /// Closes every session and lets the handlers finish. The connections end below Socket.IO: after its own DISCONNECT packet a
    /// stock client would not connect again by itself.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping = true;
        try
        {
            // A handler that waits for a room that does not answer must not use up the time that the rest needs to stop.
            await Task.WhenAll(_namespaces.Values.Select(n => n.StopAsync(cancellationToken)))
                .WaitAsync(Options.StopTimeout, Time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            LogHandlersLeft(_logger, Options.StopTimeout);
        }
        finally
        {
            foreach (EngineSession session in _sessions.Values)
            {
                session.Close(DisconnectReason.ServerShutdown);
            }
        }
    }

    /// <summary>The names of all namespaces.</summary>
    internal IEnumerable<string> Namespaces => _namespaces.Keys;

    internal SocketIoNamespace? Find(string name) => _namespaces.GetValueOrDefault(name);

    internal EngineSession? FindSession(string id) => _sessions.GetValueOrDefault(id);

    /// <summary>Opens a session, whose first frame is the handshake; null when there are too many.</summary>
    internal EngineSession? TryOpen(EngineTransport transport, string address)
    {
        if (_stopping || _sessions.Count >= Options.MaxSessions || !TryCount(address))
        {
            return null;
        }

        var session = new EngineSession(SocketIoNamespace.NewId(), address, transport, Options, Time, Remove);
        session.Listener = new SocketIoConnection(session, this);
        _sessions[session.Id] = session;
        session.Send([Handshake(session)]);
        LogOpened(_logger, session.Id, transport, address);
        return session;
    }

    internal void OnConnectionClosed(EngineSession session, DisconnectReason reason)
    {
        Metrics.ConnectionClosed(reason);
        LogClosed(_logger, session.Id, session.Address, reason);
    }

    private EngineFrame Handshake(EngineSession session)
    {
        string upgrades = session.Transport == EngineTransport.Polling ? "\"websocket\"" : "";
        string json = $$"""
            0{"sid":{{JsonSerializer.Serialize(session.Id)}},"upgrades":[{{upgrades}}],"pingInterval":{{(long)Options.PingInterval.TotalMilliseconds}},"pingTimeout":{{(long)Options.PingTimeout.TotalMilliseconds}},"maxPayload":{{Options.MaxPayload}}}
            """;
        return new EngineFrame(System.Text.Encoding.UTF8.GetBytes(json), IsBinary: false);
    }

    private bool TryCount(string address)
    {
        if (Options.MaxSessionsPerAddress == 0)
        {
            return true;
        }

        if (_perAddress.AddOrUpdate(address, 1, static (_, n) => n + 1) <= Options.MaxSessionsPerAddress)
        {
            return true;
        }

        Uncount(address);
        return false;
    }

    private void Uncount(string address)
    {
        if (Options.MaxSessionsPerAddress > 0 && _perAddress.AddOrUpdate(address, 0, static (_, n) => n - 1) <= 0)
        {
            _perAddress.TryRemove(KeyValuePair.Create(address, 0));
        }
    }

    private void Remove(EngineSession session)
    {
        if (_sessions.TryRemove(session.Id, out _))
        {
            Uncount(session.Address);
        }
    }

    [LoggerMessage(3003, LogLevel.Debug, "Connection {SessionId} opened over {Transport} from {Address}")]
    private static partial void LogOpened(ILogger logger, string sessionId, EngineTransport transport, string address);

    [LoggerMessage(3004, LogLevel.Debug, "Connection {SessionId} from {Address} closed: {Reason}")]
    private static partial void LogClosed(ILogger logger, string sessionId, string address, DisconnectReason reason);

    [LoggerMessage(3005, LogLevel.Warning, "Handlers of Socket.IO events are still at work after {StopTimeout}; the server stops without them")]
    private static partial void LogHandlersLeft(ILogger logger, TimeSpan stopTimeout);
}
