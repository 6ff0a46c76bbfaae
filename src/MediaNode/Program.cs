using VoiceCluster.Clustering;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.MediaNode;

// A media node as a process of its own: a client of the cluster that takes commands from rooms.
return await Launch.RunAsync(
    () =>
    {
        var builder = ProcessDefaults.CreateBuilder(args);
        builder.UseOrleansClient(static client => client.UseCluster());
        builder.Services.AddReadiness<ClusterReadiness>();
        builder.AddMediaNode();
        return builder;
    },
    static app =>
    {
        app.MapHealth();
        app.MapPrometheus();
        app.MapMediaNode();
    });
