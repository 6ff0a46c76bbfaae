using VoiceCluster.ApiFrontend;
using VoiceCluster.Clustering;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;

// The doors as a process of their own, beside the silos.
return await Launch.RunAsync(
    () =>
    {
        var builder = ProcessDefaults.CreateBuilder(args);
        builder.UseOrleansClient(static client => client.UseCluster());
        builder.Services.AddReadiness<ClusterReadiness>();
        builder.AddApiFrontend();
        builder.Services.AddPrometheus();
        return builder;
    },
    static app =>
    {
        app.MapHealth();
        app.MapPrometheus();
        app.MapApiFrontend();
    });
