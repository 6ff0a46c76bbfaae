using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.WebSockets;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>Opens the signalling connections.</summary>
internal sealed class ChannelSockets(MessageSockets sockets, ChannelSocketServices services)
{
    public async Task<IResult> AcceptAsync(HttpContext context)
    {
        // A token in the upgrade is not looked at: a client says who it is by Authenticate, which judges it.
        await sockets.ServeAsync(
            context,
            $"Channel client {context.Connection.RemoteIpAddress}",
            null,
            ChannelSocket.Limits,
            socket => new ChannelSocket(socket, context.Connection.RemoteIpAddress, services)).ConfigureAwait(false);
        return Results.Empty;
    }
}
