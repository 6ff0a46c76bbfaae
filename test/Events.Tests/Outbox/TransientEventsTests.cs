using System.Text.Json;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events.Tests.Nats;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Events.Tests.Outbox;

public sealed class TransientEventsTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-events-").FullName;
    private SqliteDatabase _database = null!;

    public Task InitializeAsync()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, "events.db"));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task PublishTransient_WhileNatsIsAway_IsDroppedAndCountedAndNeverComesLater()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        var store = new SqliteStateStore(_database);
        await using var bridge = await Bridge.StartAsync(nats.Url, store);
        await bridge.IsUpAsync();
        await nats.KillAsync();
        await Eventually.TrueAsync(() => bridge.Readiness.Check().Reason is not null, "the bridge knows that NATS is away");
        bridge.Publisher.PublishTransient(Speaking("away"));
        await Eventually.TrueAsync(
            () => bridge.Metrics.Write().Contains("voicecluster_events_dropped_total{reason=\"nats_away\"}", StringComparison.Ordinal), "it is counted");
        Assert.Equal(0, (await store.ReadBacklogAsync(default)).Count);

        await nats.StartAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, "voice.speaking.*");
        await bridge.IsUpAsync();
        bridge.Publisher.PublishTransient(Speaking("back"));
        await Eventually.TrueAsync(() => !peer.Received.IsEmpty, "the next one arrives");
        var (subject, payload) = Assert.Single(peer.Received);
        var envelope = JsonSerializer.Deserialize<JsonElement>(payload);
        Assert.Equal(
            ("voice.speaking.started", "back", -30),
            (subject, envelope.GetProperty("data").GetProperty("channel_id").GetString(), envelope.GetProperty("data").GetProperty("level").GetInt32()));
    }

    private static VoiceSpeakingEvent Speaking(string channel) => new(
        Guid.NewGuid(), EventTypes.VoiceSpeakingStarted, DateTimeOffset.UtcNow, "s1", Guid.NewGuid(), channel, -30);
}
