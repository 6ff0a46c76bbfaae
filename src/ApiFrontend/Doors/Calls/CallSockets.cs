using System.Net.WebSockets;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Limits;
using VoiceCluster.ApiFrontend.Stopping;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>Opens the WebSockets of this process and ends them with it.</summary>
internal sealed class CallSockets(
    IGrainFactory grains,
    TokenExpiry expiry,
    RequestLimits limits,
    TimeProvider time,
    FrontendDrain drain,
    ILogger<CallSocket> logger)
{
    // A dead peer is found within the half minute after which a call without connections ends.
    private static readonly TimeSpan PingPeriod = TimeSpan.FromSeconds(10);

    public async Task<IResult> AcceptAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            return CallJson.Error(new CallError(StatusCodes.Status426UpgradeRequired, "WEBSOCKET_REQUIRED", "This address is a WebSocket."));
        }

        var identity = context.RequireIdentity();
        string? named = context.Request.Query["device"];
        if (named?.Length > CallRequests.MaxDeviceLength)
        {
            return CallJson.Error(CallError.Invalid($"device must be a text of 1 to {CallRequests.MaxDeviceLength} characters."));
        }

        var connection = new UserConnection(Guid.NewGuid(), DeviceOrigin.DeviceOf(context, named));
        using var webSocket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = context.AcceptedSubprotocol(),
            KeepAliveInterval = PingPeriod,
            KeepAliveTimeout = PingPeriod,
        }).ConfigureAwait(false);

        CallSocket socket = new(webSocket, identity.UserId, connection, grains, new(limits, context.Connection.RemoteIpAddress), time, logger);
        using var watch = expiry.Watch(identity.ExpiresAt, socket.OnTokenExpired);
        await socket.RunAsync(drain.Goodbye).ConfigureAwait(false);
        return Results.Empty;
    }
}
