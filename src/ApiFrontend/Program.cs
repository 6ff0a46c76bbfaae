using VoiceCluster.ApiFrontend;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.Clustering;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;

// The doors as a process of their own, beside the silos.
return await Launch.RunAsync(
    () =>
    {
        var builder = ProcessDefaults.CreateBuilder(args);
        var pulse = new ClusterPulse();
        builder.Services.AddSingleton(pulse);
        builder.UseOrleansClient(client => client.UseCluster().AddGatewayCountChangedHandler((_, _) => pulse.Beat()));
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
