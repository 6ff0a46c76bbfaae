using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Storage.Tests;

public sealed class SqliteReminderTableTests : ReminderTableContract, IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-reminders-").FullName;
    private readonly SqliteDatabase _database;

    public SqliteReminderTableTests()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, "voice.db"));
        Table = new SqliteReminderTable(_database);
    }

    protected override IReminderTable Table { get; }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
