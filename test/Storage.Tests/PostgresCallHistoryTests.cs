using Npgsql;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Storage.PostgreSql;

namespace VoiceCluster.Storage.Tests;

public sealed class PostgresCallHistoryTests(PostgresServer server) : CallHistoryContract, IClassFixture<PostgresServer>, IAsyncLifetime
{
    private NpgsqlConnectionStringBuilder _connection = null!;
    private PostgresDatabase _database = null!;

    protected override ICallHistory History => new PostgresCallHistory(_database);

    protected override IStateStore Store => new PostgresStateStore(_database);

    public async Task InitializeAsync()
    {
        _connection = await server.CreateDatabaseAsync();
        _database = PostgresDatabase.Open(_connection);
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Schema_OfTheVersionBeforeTheHistory_GainsItAndKeepsTheStates()
    {
        await Store.WriteAsync("calls", "1", null, new byte[] { 7 }, [], default);
        await ExecuteAsync("DROP TABLE call_history, chat_log, chat_message, chat_attachment, chat_reaction; UPDATE schema_version SET version = 2");
        await _database.DisposeAsync();
        _database = PostgresDatabase.Open(_connection);

        Assert.Equal([7], (await Store.ReadAsync("calls", "1", default))!.Payload.ToArray());
        Assert.Empty((await History.ReadAsync(Guid.NewGuid(), new CallPageRequest(null, null, 1), default)).Value!.Calls);
    }

    [Fact]
    public async Task Read_WhileAWriteIsUnderWay_WaitsForItsEnd()
    {
        await Store.ReadAsync("calls", "1", default);
        await using var source = NpgsqlDataSource.Create(_connection);
        await using var writer = await source.OpenConnectionAsync();
        await using (var transaction = await writer.BeginTransactionAsync())
        {
            await using NpgsqlBatch batch = new(writer);
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_advisory_xact_lock(hashtextextended('calls/1', 0))"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand("INSERT INTO grain_state (store, key, version, payload) VALUES ('calls', '1', 5, '\\x07')"));
            await batch.ExecuteNonQueryAsync();

            var read = Store.ReadAsync("calls", "1", default);
            await EventuallyAsync("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
            await transaction.CommitAsync();

            Assert.Equal("5", (await read)!.ETag);
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_connection);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private async Task EventuallyAsync(string count)
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
        await using var source = NpgsqlDataSource.Create(_connection);
        while (true)
        {
            await using var command = source.CreateCommand(count);
            if ((long)(await command.ExecuteScalarAsync(deadline.Token))! > 0)
            {
                return;
            }
        }
    }
}
