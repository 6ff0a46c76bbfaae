using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.Silo;

// The grains' host as a process of its own. It speaks HTTP for its operators only: health and metrics.
return await Launch.RunAsync(
    () =>
    {
        var builder = ProcessDefaults.CreateBuilder(args).ListenAtLoopback(SiloHosting.HttpPort);
        builder.Services.AddPrometheus();
        builder.AddSilo();
        return builder;
    },
    static app =>
    {
        app.MapHealth();
        app.MapPrometheus();
    });
