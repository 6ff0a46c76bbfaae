using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.MediaNode;

// A media node as a process of its own: a client of the cluster that takes commands from rooms.
var builder = WebApplication.CreateBuilder(args);
builder.UseOrleansClient(client => client.UseLocalhostClustering());
builder.AddMediaNode();

return await Launch.RunAsync(builder, static app =>
{
    app.MapHealth();
    app.MapPrometheus();
    app.MapMediaNode();
});
