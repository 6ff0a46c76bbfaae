using VoiceCluster.Abstractions.Events;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Storage.Tests;

public sealed class SqliteStateStoreTests : StateStoreContract, IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-storage-").FullName;
    private SqliteDatabase _database = null!;
    private SqliteStateStore _store = null!;

    protected override IStateStore Store => _store;

    protected override IOutboxStore Outbox => _store;

    public Task InitializeAsync()
    {
        Open();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Operations_AfterDispose_FailClearly()
    {
        await _database.DisposeAsync();
        await Assert.ThrowsAsync<StoreException>(() => _store.ReadAsync("calls", "1", default));
        Open();
    }

    protected override async Task ReopenAsync()
    {
        await _database.DisposeAsync();
        Open();
    }

    private void Open()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, "voice.db"));
        _store = new SqliteStateStore(_database);
    }
}
