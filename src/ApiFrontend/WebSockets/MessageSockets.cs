using System.Net.WebSockets;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.Stopping;

namespace VoiceCluster.ApiFrontend.WebSockets;

/// <summary>Accepts the doors' WebSockets and ends them with their token and with the process.</summary>
internal sealed class MessageSockets(TokenExpiry expiry, TimeProvider time, FrontendDrain drain, ClusterPulse pulse, ILogger<MessageSocket> logger)
{
    /// <summary>How often a peer is asked whether it lives, and how long its answer may take. A dead one is found within the half minute after which a call without connections ends.</summary>
    private static readonly TimeSpan PingPeriod = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Serves one connection until it, its token or the process ends. The request must be a WebSocket's.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="who">Who it is, for the log.</param>
    /// <param name="tokenEnds">When the token that opened it is over; null for a connection without one.</param>
    /// <param name="limits">The connection's bounds.</param>
    /// <param name="open">Makes what the door does with the connection.</param>
    public async Task ServeAsync(
        HttpContext context, string who, DateTimeOffset? tokenEnds, MessageSocketLimits limits, Func<MessageSocket, IMessageHandler> open)
    {
        using var webSocket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = context.AcceptedSubprotocol(),
            KeepAliveInterval = PingPeriod,
            KeepAliveTimeout = PingPeriod,
        }).ConfigureAwait(false);
        using MessageSocket socket = new(webSocket, who, limits, pulse, time, logger);
        await using var onStopping = drain.Goodbye.Register(
            () => socket.Close(MessageSocket.ServiceRestart, "The server restarts. Connect again."));
        using var watch = tokenEnds is { } ends
            ? expiry.Watch(ends, () => socket.Close(MessageSocket.TokenExpired, "The token has expired."))
            : null;
        await socket.RunAsync(open(socket)).ConfigureAwait(false);
    }
}
