using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Storage.Tests;

public sealed class SqliteCallHistoryTests : CallHistoryContract, IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-storage-").FullName;
    private SqliteDatabase _database = null!;

    protected override ICallHistory History => new SqliteCallHistory(_database);

    protected override IStateStore Store => new SqliteStateStore(_database);

    public Task InitializeAsync()
    {
        _database = new SqliteDatabase(File);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Schema_OfTheVersionBeforeTheHistory_GainsItAndKeepsTheStates()
    {
        await Store.WriteAsync("calls", "1", null, new byte[] { 7 }, [], default);
        await _database.RunAsync(
            connection =>
            {
                foreach (var table in new[] { "call_history", "chat_log", "chat_message", "chat_attachment", "chat_reaction" })
                {
                    connection.Execute($"DROP TABLE {table}");
                }

                connection.Execute("UPDATE schema_version SET version = 2");
                return true;
            },
            default);
        await _database.DisposeAsync();
        _database = new SqliteDatabase(File);

        Assert.Equal([7], (await Store.ReadAsync("calls", "1", default))!.Payload.ToArray());
        Assert.Empty((await History.ReadAsync(Guid.NewGuid(), new CallPageRequest(null, null, 1), default)).Value!.Calls);
    }

    private string File => Path.Combine(_folder, "voice.db");
}
