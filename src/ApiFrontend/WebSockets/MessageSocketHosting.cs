using Microsoft.Extensions.DependencyInjection.Extensions;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.Stopping;

namespace VoiceCluster.ApiFrontend.WebSockets;

/// <summary>What the doors with WebSockets of their own share.</summary>
internal static class MessageSocketHosting
{
    /// <summary>Adds <see cref="MessageSockets"/>; each door that needs it says so.</summary>
    public static IServiceCollection AddMessageSockets(this IServiceCollection services)
    {
        services.AddFrontendDrain();
        services.TryAddSingleton<ClusterPulse>();
        services.TryAddSingleton<MessageSockets>();
        return services;
    }
}
