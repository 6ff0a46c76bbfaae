using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Stopping;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>Opens the event sockets of this process and ends them with it.</summary>
internal sealed class VoiceSockets(
    IGrainFactory grains, TimeProvider time, FrontendDrain drain, ILogger<VoiceSocket> logger)
{
    private static readonly TimeSpan PingPeriod = TimeSpan.FromSeconds(10);

    // CancellationTokenSource takes no longer time.
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(40);

    public async Task<IResult> AcceptAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            return VoiceJson.Error(new VoiceError(StatusCodes.Status426UpgradeRequired, "WEBSOCKET_REQUIRED", "This address is a WebSocket."));
        }

        var identity = context.RequireIdentity();
        using var webSocket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = context.AcceptedSubprotocol(),
            KeepAliveInterval = PingPeriod,
            KeepAliveTimeout = PingPeriod,
        }).ConfigureAwait(false);

        var lifetimeLeft = identity.ExpiresAt - time.GetUtcNow();
        using CancellationTokenSource expired = new(
            lifetimeLeft < TimeSpan.Zero ? TimeSpan.Zero : lifetimeLeft < LongestTimer ? lifetimeLeft : LongestTimer, time);
        VoiceSocket socket = new(webSocket, identity.UserId, grains, time, logger);
        await socket.RunAsync(expired.Token, drain.Goodbye).ConfigureAwait(false);
        return Results.Empty;
    }
}
