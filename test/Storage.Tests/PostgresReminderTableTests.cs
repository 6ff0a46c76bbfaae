using VoiceCluster.Storage.PostgreSql;

namespace VoiceCluster.Storage.Tests;

public sealed class PostgresReminderTableTests(PostgresServer server) : ReminderTableContract, IClassFixture<PostgresServer>, IAsyncLifetime
{
    private PostgresDatabase _database = null!;
    private PostgresReminderTable _table = null!;

    protected override IReminderTable Table => _table;

    public async Task InitializeAsync()
    {
        _database = PostgresDatabase.Open(await server.CreateDatabaseAsync());
        _table = new PostgresReminderTable(_database);
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();
}
