using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.WebSockets;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>Opens the event sockets.</summary>
internal sealed class VoiceSockets(MessageSockets sockets, IGrainFactory grains)
{
    public async Task<IResult> AcceptAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            return VoiceJson.Error(new VoiceError(StatusCodes.Status426UpgradeRequired, "WEBSOCKET_REQUIRED", "This address is a WebSocket."));
        }

        var identity = context.RequireIdentity();
        await sockets.ServeAsync(
            context,
            $"User {identity.UserId}",
            identity.ExpiresAt,
            VoiceSocket.Limits,
            socket => new VoiceSocket(socket, identity.UserId, grains)).ConfigureAwait(false);
        return Results.Empty;
    }
}
