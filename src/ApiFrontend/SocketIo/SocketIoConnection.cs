using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>The sockets that share one Engine.IO session, and the way of its packets to them.</summary>
internal sealed class SocketIoConnection : IEngineListener
{
    private readonly Lock _gate = new();
    private readonly EngineSession _session;
    private readonly SocketIoServer _server;
    private readonly SocketPacketDecoder _decoder;
    private readonly Dictionary<string, SocketIoSocket> _sockets = new(StringComparer.Ordinal);
    private readonly ITimer _connectTimeout;
    private bool _connected;
    private bool _closed;

    public SocketIoConnection(EngineSession session, SocketIoServer server)
    {
        _session = session;
        _server = server;
        SocketIoOptions options = server.Options;
        _decoder = new SocketPacketDecoder(options.MaxAttachments, options.MaxJsonDepth, options.MaxPayload);
        _connectTimeout = server.Time.CreateTimer(
            static s => ((EngineSession)s!).Close(DisconnectReason.ConnectTimeout), session, options.ConnectTimeout, Timeout.InfiniteTimeSpan);
    }

    public string Address => _session.Address;

    public bool Send(EngineFrame[] frames)
    {
        bool sent = _session.Send(frames);
        if (!sent)
        {
            _server.Metrics.FramesDropped(frames.Length);
        }

        return sent;
    }

    /// <summary>The socket is no longer of this connection, though the connection goes on.</summary>
    public void Forget(SocketIoSocket socket)
    {
        lock (_gate)
        {
            if (_sockets.TryGetValue(socket.Namespace, out SocketIoSocket? present) && present == socket)
            {
                _sockets.Remove(socket.Namespace);
            }
        }
    }

    public async ValueTask OnMessageAsync(EnginePacket message)
    {
        DecodeResult result = _decoder.Decode(message, out SocketPacket packet, out ReadOnlyMemory<byte>[] attachments);
        if (result == DecodeResult.NeedMore)
        {
            return;
        }

        if (result == DecodeResult.Malformed || !await TryHandleAsync(packet, attachments).ConfigureAwait(false))
        {
            _session.Close(DisconnectReason.ParseError);
        }
    }

    public void OnClosed(DisconnectReason reason)
    {
        SocketIoSocket[] sockets;
        lock (_gate)
        {
            _closed = true;
            sockets = [.. _sockets.Values];
            _sockets.Clear();
        }

        _connectTimeout.Dispose();
        foreach (SocketIoSocket socket in sockets)
        {
            socket.OnConnectionClosed(this, reason);
        }

        _server.OnConnectionClosed(_session, reason);
    }

    private async ValueTask<bool> TryHandleAsync(SocketPacket packet, ReadOnlyMemory<byte>[] attachments)
    {
        SocketIoSocket? socket;
        lock (_gate)
        {
            _sockets.TryGetValue(packet.Namespace, out socket);
        }

        if (packet.Type == SocketPacketType.Connect)
        {
            return socket is null && await ConnectAsync(packet).ConfigureAwait(false);
        }

        if (socket is null)
        {
            // The server may have removed the socket while the client's last packets were on their way.
            lock (_gate)
            {
                return _connected;
            }
        }

        switch (packet.Type)
        {
            case SocketPacketType.Disconnect:
                Forget(socket);
                socket.End(DisconnectReason.ClientDisconnect);
                return true;
            case SocketPacketType.ConnectError:
                return false;
            default:
                await socket.ReceiveAsync(packet, attachments).ConfigureAwait(false);
                return true;
        }
    }

    private async ValueTask<bool> ConnectAsync(SocketPacket packet)
    {
        if (_server.Find(packet.Namespace) is not { } ns)
        {
            Send([SocketPacketWriter.ConnectError(packet.Namespace, "Invalid namespace")]);
            return true;
        }

        if (await ns.ConnectAsync(this, packet.Payload).ConfigureAwait(false) is not { } socket)
        {
            return true;
        }

        bool closed;
        lock (_gate)
        {
            closed = _closed;
            if (!closed)
            {
                _sockets[packet.Namespace] = socket;
                _connected = true;
                _connectTimeout.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }

        if (closed)
        {
            socket.OnConnectionClosed(this, DisconnectReason.TransportClose);
        }

        return true;
    }
}
