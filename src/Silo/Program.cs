using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.Silo;

// The grains' host as a process of its own.
var builder = WebApplication.CreateBuilder(args);
builder.Services.AddPrometheus();
builder.AddSilo();

return await Launch.RunAsync(builder, static app =>
{
    app.MapHealth();
    app.MapPrometheus();
});
