using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Storage.Tests;

public sealed class SqliteChatMessagesTests : ChatMessagesContract, IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-storage-").FullName;
    private SqliteDatabase _database = null!;

    protected override IChatMessageStore Messages => new SqliteChatMessages(_database, new OutboxSignal());

    protected override IOutboxStore Outbox => new SqliteStateStore(_database);

    public Task InitializeAsync()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, "voice.db"));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
