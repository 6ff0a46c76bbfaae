using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events;
using VoiceCluster.Storage.PostgreSql;

// NATS_URL and the rest come from the environment; DATABASE_URL is Npgsql's connection string here.
var builder = Host.CreateApplicationBuilder(args);
var connection = new Npgsql.NpgsqlConnectionStringBuilder(builder.Configuration["DATABASE_URL"]);
builder.Services.AddSingleton<IOutboxStore>(new PostgresStateStore(PostgresDatabase.Open(connection)));
builder.Services.AddSingleton<IExternalEvents>(new NoCluster());
builder.AddEventBridge();
await builder.Build().RunAsync();

/// <summary>Takes everything and does nothing.</summary>
internal sealed class NoCluster : IExternalEvents
{
    public Task ChannelDeletedAsync(string channelId) => Task.CompletedTask;

    public Task UserBannedAsync(Guid userId, string? channelId) => Task.CompletedTask;
}
