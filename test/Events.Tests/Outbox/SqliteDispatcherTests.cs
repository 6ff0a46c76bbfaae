using VoiceCluster.Abstractions.Events;
using VoiceCluster.Storage;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Events.Tests.Outbox;

public sealed class SqliteDispatcherTests : DispatcherContract, IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-events-").FullName;
    private SqliteDatabase _database = null!;
    private SqliteStateStore _store = null!;

    protected override IOutboxStore Store => _store;

    public Task InitializeAsync()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, DurableStores.FileName));
        _store = new SqliteStateStore(_database);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
