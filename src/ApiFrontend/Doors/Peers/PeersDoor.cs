using Microsoft.Extensions.DependencyInjection.Extensions;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Doors.Peers.Calls;
using VoiceCluster.ApiFrontend.Doors.Peers.Chats;
using VoiceCluster.ApiFrontend.Doors.Peers.Signaling;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.WebSockets;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Peers;

/// <summary>Peers over SDP, chat sessions and call sessions: <c>/offer</c>, <c>/ice-candidate</c>, <c>/ws</c>, <c>/chat/*</c>, <c>/call/*</c>.</summary>
public static class PeersDoor
{
    /// <summary>Registers what the door needs; the host gives an IGrainFactory.</summary>
    public static IServiceCollection AddPeers(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(TimeProvider.System);
        services.AddMessageSockets();
        services.TryAddSingleton<RoomEntry>();
        services.AddSingleton<PeerSignaling>();
        services.AddSingleton<MediaNodeAddresses>();
        services.AddSingleton<RecordingContent>();
        return services;
    }

    /// <summary>Maps the routes. The host has WebSockets and identity in its pipeline.</summary>
    public static IEndpointRouteBuilder MapPeers(this IEndpointRouteBuilder routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        PeerRoutes.Map(Group(routes, ""));
        var chat = Group(routes, "/chat");
        ChatRoutes.Map(chat);
        chat.MapGet("/notifications", NotificationSocket.AcceptAsync).RequireIdentityUnlessOpen().WithDocs(ChatDocs.Notifications);
        CallRoutes.Map(Group(routes, "/call"));
        return routes;
    }

    private static RouteGroupBuilder Group(IEndpointRouteBuilder routes, string prefix)
    {
        var group = routes.MapGroup(prefix).AddEndpointFilter<PeersGuard>();
        group.WithRefusalShape(EnvelopeRefusal.Instance);
        return group;
    }
}
