using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events.Tests.Nats;
using VoiceCluster.Storage.PostgreSql;
using VoiceCluster.Storage.Tests;

namespace VoiceCluster.Events.Tests.Outbox;

public sealed class PostgresDispatcherTests(PostgresServer server) : DispatcherContract, IClassFixture<PostgresServer>, IAsyncLifetime
{
    private PostgresDatabase _database = null!;
    private PostgresStateStore _store = null!;

    protected override IOutboxStore Store => _store;

    public async Task InitializeAsync()
    {
        _database = PostgresDatabase.Open(await server.CreateDatabaseAsync());
        _store = new PostgresStateStore(_database);
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Publisher_StoreAway_KeepsEventsInMemoryWithinBoundsAndWritesThemLater()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, "voice.session.>");
        await using var bridge = await Bridge.StartAsync(nats.Url, Store, ("Events:MaxWaitingEvents", "600"));
        await bridge.IsUpAsync();
        bridge.Publisher.Publish(Session(0));
        await Eventually.TrueAsync(() => peer.Received.Count == 1, "the first event arrives");

        await server.StopAsync();
        for (var i = 1; i <= 500; i++)
        {
            bridge.Publisher.Publish(Session(i));
        }

        // It goes on without the store, and connected.
        Assert.True(bridge.Readiness.Check().IsReady);
        await server.StartAsync();
        await Eventually.TrueAsync(() => peer.Received.Count == 501, "the others arrive");
        Assert.Equal(
            Enumerable.Range(0, 501).Select(i => $"\"channel_id\":\"{i}\""),
            peer.Received.Select(m => System.Text.RegularExpressions.Regex.Match(System.Text.Encoding.UTF8.GetString(m.Payload), "\"channel_id\":\"\\d+\"").Value));
    }

    [Fact]
    public async Task Dispatch_StoreAwayAndBack_GoesOnByItself()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, "test.>");
        await using var bridge = await Bridge.StartAsync(nats.Url, Store);
        var early = Numbered.Events(keys: 5, each: 20);
        await Store.AppendInPiecesAsync(early);
        await Eventually.TrueAsync(() => peer.Received.Count >= early.Length, "the early events arrive");
        await server.StopAsync();
        await server.StartAsync();
        var late = Numbered.Events(keys: 5, each: 20, from: 20);
        await Store.AppendInPiecesAsync(late);
        await Eventually.TrueAsync(async () => (await Store.ReadBacklogAsync(default)).Count == 0, "the outbox is empty");
        Numbered.AssertComplete(peer.Received.Select(m => m.Payload), [.. early, .. late]);
    }

    private static VoiceSessionEvent Session(int number) => new(
        Guid.NewGuid(), EventTypes.VoiceSessionUpdated, DateTimeOffset.UtcNow, "s1", Guid.NewGuid(), $"{number}", false, false, null);
}
