using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Storage.PostgreSql;

namespace VoiceCluster.Storage.Tests;

public sealed class PostgresChatMessagesTests(PostgresServer server) : ChatMessagesContract, IClassFixture<PostgresServer>, IAsyncLifetime
{
    private PostgresDatabase _database = null!;

    protected override IChatMessageStore Messages => new PostgresChatMessages(_database, new OutboxSignal());

    protected override IOutboxStore Outbox => new PostgresStateStore(_database);

    public async Task InitializeAsync() => _database = PostgresDatabase.Open(await server.CreateDatabaseAsync());

    public async Task DisposeAsync() => await _database.DisposeAsync();
}
