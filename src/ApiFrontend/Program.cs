using VoiceCluster.ApiFrontend;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;

// The doors as a process of their own, beside the silos.
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.UseOrleansClient(client => client.UseLocalhostClustering());
builder.AddApiFrontend();
builder.Services.AddPrometheus();

return await Launch.RunAsync(builder, static app =>
{
    app.MapHealth();
    app.MapPrometheus();
    app.MapApiFrontend();
});
