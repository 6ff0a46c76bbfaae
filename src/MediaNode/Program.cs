using VoiceCluster.Clustering;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.MediaNode;
using VoiceCluster.MediaNode.Control;

FleetMembership? membership = null;

// A media node as a process of its own: a client of the cluster that takes commands from rooms.
return await Launch.RunAsync(
    () =>
    {
        var builder = ProcessDefaults.CreateBuilder(args);
        builder.UseOrleansClient(client => client.UseCluster().AddGatewayCountChangedHandler((_, change) =>
        {
            if (change.NumberOfConnectedGateways < change.PreviousNumberOfConnectedGateways)
            {
                membership?.BeatNow();
            }
        }));
        builder.Services.AddReadiness<ClusterReadiness>();
        builder.AddMediaNode();
        return builder;
    },
    app =>
    {
        membership = app.Services.GetRequiredService<FleetMembership>();
        app.MapHealth();
        app.MapPrometheus();
        app.MapMediaNode();
    });
