using System.Text;
using Orleans.Serialization;
using Orleans.Storage;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Storage.Tests;

public sealed class DurableGrainStorageTests : IAsyncLifetime
{
    private static readonly GrainId Grain = GrainId.Create("call", "1");

    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-storage-").FullName;
    private SqliteDatabase _database = null!;
    private SqliteStateStore _store = null!;
    private DurableGrainStorage _storage = null!;

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
    public async Task State_AfterReopening_IsAsWrittenWithoutItsEvents()
    {
        var written = new GrainState<Counter>(new Counter { Value = 7, PendingEvents = { Happened("a"), Happened("b") } });
        await _storage.WriteStateAsync("state", Grain, written);
        Assert.Empty(written.State.PendingEvents);
        await _database.DisposeAsync();
        Open();

        var read = new GrainState<Counter>();
        await _storage.ReadStateAsync("state", Grain, read);
        Assert.Equal((7, written.ETag, true), (read.State.Value, read.ETag, read.RecordExists));
        Assert.Empty(read.State.PendingEvents);
        var pending = await _store.ReadPendingAsync(0, 10, default);
        Assert.Equal(["test.a", "test.b"], pending.Select(p => p.Event.Subject));
        Assert.Contains("\"key\":\"1\"", Encoding.UTF8.GetString(pending[0].Event.Payload.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_ByAStaleTwin_IsAConflictAndKeepsItsEvents()
    {
        var first = new GrainState<Counter>(new Counter { Value = 1 });
        await _storage.WriteStateAsync("state", Grain, first);
        var twin = new GrainState<Counter>();
        await _storage.ReadStateAsync("state", Grain, twin);
        await _storage.WriteStateAsync("state", Grain, first);

        twin.State.PendingEvents.Add(Happened("lost"));
        var conflict = await Assert.ThrowsAsync<InconsistentStateException>(() => _storage.WriteStateAsync("state", Grain, twin));

        Assert.Equal(first.ETag, conflict.StoredEtag);
        Assert.Single(twin.State.PendingEvents);
        Assert.Empty(await _store.ReadPendingAsync(0, 10, default));
    }

    [Fact]
    public async Task Clear_ThenRead_IsNew()
    {
        var state = new GrainState<Counter>(new Counter { Value = 1 });
        await _storage.WriteStateAsync("state", Grain, state);
        await _storage.ClearStateAsync("state", Grain, state);
        await _storage.ReadStateAsync("state", Grain, state);
        Assert.Equal((0, false), (state.State.Value, state.RecordExists));
    }

    [Fact]
    public async Task Reminders_AfterReopening_AreStillThere()
    {
        var entry = new ReminderEntry
        {
            GrainId = Grain,
            ReminderName = "ring",
            StartAt = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc),
            Period = TimeSpan.FromMinutes(1),
        };
        var etag = await new SqliteReminderTable(_database).UpsertRow(entry);
        await _database.DisposeAsync();
        Open();

        var table = new SqliteReminderTable(_database);
        var read = Assert.Single((await table.ReadRows(0, 0)).Reminders);
        Assert.Equal((Grain, "ring", entry.StartAt, entry.Period, etag), (read.GrainId, read.ReminderName, read.StartAt, read.Period, read.ETag));
        var hash = Grain.GetUniformHashCode();
        Assert.Single((await table.ReadRows(hash - 1, hash)).Reminders);
        Assert.Empty((await table.ReadRows(hash, hash + 1)).Reminders);
        Assert.False(await table.RemoveRow(Grain, "ring", "1"));
        Assert.True(await table.RemoveRow(Grain, "ring", etag));
        Assert.Null(await table.ReadRow(Grain, "ring"));
    }

    private static Something Happened(string what) => new(Guid.NewGuid(), $"test.{what}", "1", DateTimeOffset.UnixEpoch);

    private void Open()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, DurableStores.FileName));
        _store = new SqliteStateStore(_database);
        _storage = new DurableGrainStorage("calls", _store, new Serializer(), new OutboxSignal());
    }
}

[GenerateSerializer, Alias("test.Counter")]
public sealed class Counter : IOutboxState
{
    [Id(0)]
    public int Value { get; set; }

    [Id(1)]
    public List<DomainEvent> PendingEvents { get; set; } = [];
}

[GenerateSerializer, Immutable, Alias("test.Something")]
public sealed record Something(Guid Id, string Type, string Key, DateTimeOffset Time) : DomainEvent(Id, Type, Key, Time);
