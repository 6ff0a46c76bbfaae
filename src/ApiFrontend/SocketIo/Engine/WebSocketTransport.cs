using System.Net.WebSockets;

namespace VoiceCluster.ApiFrontend.SocketIo.Engine;

/// <summary>The two loops of a WebSocket: one reads packets into the session, one writes its frames.</summary>
internal sealed class WebSocketTransport(WebSocket socket, SocketIoOptions options)
{
    private const int InitialBufferBytes = 2048;
    private const int TakeBytes = 256 * 1024;

    // How long the closing handshake of RFC 6455 §7.1.2 may take.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Registered by IANA beside those of RFC 6455 §7.4.1: the server restarts, and the client may connect again.</summary>
    private const WebSocketCloseStatus ServiceRestart = (WebSocketCloseStatus)1012;

    private byte[] _buffer = new byte[InitialBufferBytes];
    private WebSocketCloseStatus _closeStatus = WebSocketCloseStatus.NormalClosure;

    /// <summary>Carries a session that begins on this WebSocket.</summary>
    public async Task RunAsync(EngineSession session)
    {
        Task reading = ReadAsync(session);
        try
        {
            await WriteAsync(session).ConfigureAwait(false);

            // The client answers the close frame; aborting at once could destroy what is still on its way to it.
            await reading.WaitAsync(CloseTimeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            socket.Abort();
        }
        finally
        {
            session.Finish();
        }

        await reading.ConfigureAwait(false);
    }

    /// <summary>Probes and takes over a polling session (engine.io: <c>2probe</c>, <c>3probe</c>, <c>5</c>).</summary>
    public async Task UpgradeAsync(EngineSession session, TimeProvider time)
    {
        if (await ProbeAsync(session, time).ConfigureAwait(false))
        {
            await RunAsync(session).ConfigureAwait(false);
        }
    }

    private async Task<bool> ProbeAsync(EngineSession session, TimeProvider time)
    {
        using var timeout = new CancellationTokenSource(options.UpgradeTimeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, session.Ended);
        bool begun = false;
        bool upgraded = false;
        try
        {
            (EnginePacket? probe, _) = await ReceiveAsync(limit.Token).ConfigureAwait(false);
            if (probe is { Type: EnginePacketType.Ping, IsBinary: false } ping
                && ping.Data.Span.SequenceEqual("probe"u8)
                && (begun = session.TryBeginUpgrade()))
            {
                await SendAsync(EngineFrame.ProbePong, limit.Token).ConfigureAwait(false);
                (EnginePacket? upgrade, _) = await ReceiveAsync(limit.Token).ConfigureAwait(false);
                upgraded = upgrade is { Type: EnginePacketType.Upgrade, IsBinary: false };
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // A probe that fails leaves the session on polling, as if it had not been.
            upgraded = false;
        }

        upgraded = begun && session.EndUpgrade(upgraded);
        if (!upgraded)
        {
            socket.Abort();
        }

        return upgraded;
    }

    private async Task ReadAsync(EngineSession session)
    {
        try
        {
            while (true)
            {
                (EnginePacket? packet, DisconnectReason end) = await ReceiveAsync(session.Ended).ConfigureAwait(false);
                if (packet is null)
                {
                    session.Close(end);
                    return;
                }

                if (!await session.ReceiveAsync(packet.Value).ConfigureAwait(false))
                {
                    session.Close(DisconnectReason.ParseError);
                    return;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            session.Close(DisconnectReason.TransportError);
        }
    }

    private async Task WriteAsync(EngineSession session)
    {
        List<EngineFrame> frames = [];
        try
        {
            while (true)
            {
                bool closed = session.IsClosed;
                session.Take(frames, TakeBytes);
                if (frames.Count == 0)
                {
                    if (closed)
                    {
                        break;
                    }

                    await session.WaitAsync().ConfigureAwait(false);
                    continue;
                }

                foreach (EngineFrame frame in frames)
                {
                    await SendAsync(frame, session.Ended).ConfigureAwait(false);
                }

                frames.Clear();
            }

            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                using var timeout = new CancellationTokenSource(CloseTimeout);
                var status = session.EndReason == DisconnectReason.ServerShutdown ? ServiceRestart : _closeStatus;
                await socket.CloseOutputAsync(status, null, timeout.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            session.Abort(DisconnectReason.TransportError);
            socket.Abort();
        }
    }

    private ValueTask SendAsync(EngineFrame frame, CancellationToken cancellationToken)
        => socket.SendAsync(
            frame.Bytes, frame.IsBinary ? WebSocketMessageType.Binary : WebSocketMessageType.Text, endOfMessage: true, cancellationToken);

    /// <summary>One whole message as a packet, or null and why the connection ends.</summary>
    private async Task<(EnginePacket? Packet, DisconnectReason End)> ReceiveAsync(CancellationToken cancellationToken)
    {
        int length = 0;
        while (true)
        {
            if (length == _buffer.Length)
            {
                Array.Resize(ref _buffer, Math.Min(_buffer.Length * 4, options.MaxPayload + 1));
            }

            ValueWebSocketReceiveResult result = await socket.ReceiveAsync(_buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                // RFC 6455 §7.4.1: 1001 says that the page is gone, so nobody comes back.
                return (null, socket.CloseStatus == WebSocketCloseStatus.EndpointUnavailable
                    ? DisconnectReason.GoingAway
                    : DisconnectReason.TransportClose);
            }

            length += result.Count;
            if (length > options.MaxPayload)
            {
                _closeStatus = WebSocketCloseStatus.MessageTooBig;
                return (null, DisconnectReason.ParseError);
            }

            if (!result.EndOfMessage)
            {
                continue;
            }

            byte[] message = _buffer.AsSpan(0, length).ToArray();
            if (_buffer.Length > InitialBufferBytes * 16)
            {
                _buffer = new byte[InitialBufferBytes];
            }

            if (result.MessageType == WebSocketMessageType.Binary)
            {
                return (EnginePacket.FromBinary(message), default);
            }

            return EnginePacket.TryParseText(message, out EnginePacket packet) ? (packet, default) : (null, DisconnectReason.ParseError);
        }
    }
}
