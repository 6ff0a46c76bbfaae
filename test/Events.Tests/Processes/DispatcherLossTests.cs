using VoiceCluster.Events.Tests.Nats;
using VoiceCluster.Events.Tests.Outbox;
using VoiceCluster.Storage.PostgreSql;
using VoiceCluster.Storage.Tests;

namespace VoiceCluster.Events.Tests.Processes;

/// <summary>Dispatchers as processes of their own on one PostgreSQL, killed while they publish.</summary>
public sealed class DispatcherLossTests(PostgresServer postgres) : IClassFixture<PostgresServer>
{
    [Fact]
    public async Task Dispatch_ProcessesKilledWhileTheyPublish_AnotherTakesOverAndNothingIsLostOrReordered()
    {
        await using var nats = await NatsServerProcess.StartNewAsync(jetStream: true);
        await using var peer = await NatsPeer.ConnectAsync(nats.Port);
        await peer.StreamAsync("CREATE", "EVENTS", new { name = "EVENTS", subjects = new[] { "test.>" } });
        var connection = await postgres.CreateDatabaseAsync();
        await using var database = PostgresDatabase.Open(connection);
        var store = new PostgresStateStore(database);
        var events = Numbered.Events(keys: 20, each: 300);

        var leader = DispatcherProcess.Start(nats.Url, connection.ConnectionString);
        foreach (var round in events.Chunk(2_000))
        {
            // The first of the processes has the lease; it is killed in the middle of its work.
            await store.AppendInPiecesAsync(round);
            await Eventually.TrueAsync(async () => (await store.ReadBacklogAsync(default)).Count < 1_900, "some of the round are published");
            var heir = DispatcherProcess.Start(nats.Url, connection.ConnectionString);
            await leader.DisposeAsync();
            leader = heir;
            await Eventually.TrueAsync(async () => (await store.ReadBacklogAsync(default)).Count == 0, "the heir has published the rest");
        }

        await leader.DisposeAsync();
        Numbered.AssertComplete((await peer.ReadStreamAsync("EVENTS")).Select(m => m.Payload), events);
    }
}
