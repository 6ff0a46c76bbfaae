using VoiceCluster.ApiFrontend;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.Hosting;
using VoiceCluster.MediaNode;
using VoiceCluster.Silo;

namespace VoiceCluster.Standalone;

/// <summary>What is different when everything runs in one process on one person's machine.</summary>
internal static class StandaloneHosting
{
    /// <summary>All parts with their settings, not yet built.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = ProcessDefaults.CreateBuilder(args);
        builder.Services.AddSingleton(ClusterKey.Own());
        builder.AddSilo(isStandalone: true);
        builder.AddApiFrontend(AuthDefaults.Standalone);
        builder.AddMediaNode();
        builder.Services.AddHostedService<ReadyAnnouncement>();
        return builder;
    }
}
