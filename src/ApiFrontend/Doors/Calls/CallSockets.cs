using VoiceCluster.Abstractions.Users;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Limits;
using VoiceCluster.ApiFrontend.WebSockets;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>Opens the WebSockets of users' devices.</summary>
internal sealed class CallSockets(MessageSockets sockets, IGrainFactory grains, RequestLimits limits, ILogger<CallSocket> logger)
{
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
        CallSocketLimit limit = new(limits, context.Connection.RemoteIpAddress);
        await sockets.ServeAsync(
            context,
            $"User {identity.UserId}",
            identity.ExpiresAt,
            CallSocket.Limits,
            socket => new CallSocket(socket, identity.UserId, connection, grains, limit, logger)).ConfigureAwait(false);
        return Results.Empty;
    }
}
