using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.Silo;

// The grains' host as a process of its own.
var builder = WebApplication.CreateBuilder(args);
builder.Services.AddPrometheus();
builder.AddSilo();

await using var app = builder.Build();
app.MapHealth();
app.MapPrometheus();
await app.RunAsync();
