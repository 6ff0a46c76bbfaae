using VoiceCluster.ApiFrontend;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.MediaNode;
using VoiceCluster.Silo;
using VoiceCluster.Standalone;

// Silo, API frontend and media node in one process, with no server beside it.
return await Launch.RunAsync(
    () =>
    {
        var builder = ProcessDefaults.CreateBuilder(args);
        builder.AddSilo(isStandalone: true);
        builder.AddApiFrontend(AuthDefaults.Standalone);
        builder.AddMediaNode();
        builder.Services.AddHostedService<ReadyAnnouncement>();
        return builder;
    },
    static app =>
    {
        app.MapHealth();
        app.MapPrometheus();
        app.MapApiFrontend();
        app.MapMediaNode();
    });
