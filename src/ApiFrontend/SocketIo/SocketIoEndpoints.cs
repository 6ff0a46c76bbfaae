using System.Net.WebSockets;
using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>The HTTP side: which request is a handshake, a poll, a body or an upgrade.</summary>
public static class SocketIoEndpoints
{
    /// <summary>Serves Socket.IO under a path, with and without a trailing slash.</summary>
    public static IEndpointConventionBuilder MapSocketIo(this IEndpointRouteBuilder routes, string path, Action<SocketIoServer> configure)
    {
        SocketIoServer server = routes.ServiceProvider.GetRequiredService<SocketIoServer>();
        configure(server);
        return routes.Map(path, context => HandleAsync(context, server)).WithDisplayName("Socket.IO");
    }

    private static Task HandleAsync(HttpContext context, SocketIoServer server)
    {
        // In the order of engine.io's own checks, so that a client finds the same refusals.
        IQueryCollection query = context.Request.Query;
        string transport = query["transport"].ToString();
        if (transport is not ("polling" or "websocket"))
        {
            return EngineError.TransportUnknown.WriteAsync(context);
        }

        bool webSocket = context.WebSockets.IsWebSocketRequest;
        if (transport == "websocket" != webSocket)
        {
            return EngineError.BadRequest.WriteAsync(context);
        }

        string sid = query["sid"].ToString();
        if (sid.Length > 0)
        {
            return server.FindSession(sid) is { } session
                ? ContinueAsync(context, server, session, webSocket)
                : EngineError.SessionUnknown.WriteAsync(context);
        }

        if (!HttpMethods.IsGet(context.Request.Method))
        {
            return EngineError.BadHandshakeMethod.WriteAsync(context);
        }

        return query["EIO"] == "4" ? OpenAsync(context, server, webSocket) : EngineError.UnsupportedProtocol.WriteAsync(context);
    }

    private static async Task OpenAsync(HttpContext context, SocketIoServer server, bool webSocket)
    {
        string address = context.Connection.RemoteIpAddress?.ToString() ?? "";
        EngineTransport transport = webSocket ? EngineTransport.WebSocket : EngineTransport.Polling;
        if (server.TryOpen(transport, address) is not { } session)
        {
            await EngineError.TooManySessions.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        if (!webSocket)
        {
            await PollingTransport.PollAsync(session, context).ConfigureAwait(false);
            return;
        }

        using WebSocket? socket = await AcceptAsync(context).ConfigureAwait(false);
        if (socket is null)
        {
            session.Abort(DisconnectReason.TransportError);
            return;
        }

        await new WebSocketTransport(socket, server.Options).RunAsync(session).ConfigureAwait(false);
    }

    private static async Task ContinueAsync(HttpContext context, SocketIoServer server, EngineSession session, bool webSocket)
    {
        if (webSocket)
        {
            using WebSocket? socket = await AcceptAsync(context).ConfigureAwait(false);
            if (socket is not null)
            {
                await new WebSocketTransport(socket, server.Options).UpgradeAsync(session, server.Time).ConfigureAwait(false);
            }
        }
        else if (session.Transport != EngineTransport.Polling)
        {
            await EngineError.BadRequest.WriteAsync(context).ConfigureAwait(false);
        }
        else if (HttpMethods.IsGet(context.Request.Method))
        {
            await PollingTransport.PollAsync(session, context).ConfigureAwait(false);
        }
        else if (HttpMethods.IsPost(context.Request.Method))
        {
            await PollingTransport.PostAsync(session, context, server.Options).ConfigureAwait(false);
        }
        else
        {
            await EngineError.BadRequest.WriteAsync(context).ConfigureAwait(false);
        }
    }

    /// <summary>Null when the request only looked like a WebSocket handshake; it is answered then.</summary>
    private static async Task<WebSocket?> AcceptAsync(HttpContext context)
    {
        try
        {
            // Engine.IO has its own heartbeat.
            return await context.WebSockets
                .AcceptWebSocketAsync(new WebSocketAcceptContext { KeepAliveInterval = TimeSpan.Zero })
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or InvalidOperationException or IOException)
        {
            if (!context.Response.HasStarted)
            {
                await EngineError.BadRequest.WriteAsync(context).ConfigureAwait(false);
            }

            return null;
        }
    }
}
