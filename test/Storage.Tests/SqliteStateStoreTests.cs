using System.Text;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Storage.Tests;

public sealed class SqliteStateStoreTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-storage-").FullName;
    private SqliteDatabase _database = null!;
    private SqliteStateStore _store = null!;

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
    public async Task Read_OfAnUnknownRow_IsNull() => Assert.Null(await _store.ReadAsync("calls", "1", default));

    [Fact]
    public async Task Write_ThenReopen_KeepsStateAndEvents()
    {
        var etag = await _store.WriteAsync("calls", "1", null, Bytes("ringing"), [Event("call.ringing", "1")], default);
        await _database.DisposeAsync();
        Open();

        var state = await _store.ReadAsync("calls", "1", default);
        Assert.Equal("ringing", Encoding.UTF8.GetString(state!.Payload.Span));
        Assert.Equal(etag, state.ETag);
        var pending = await _store.ReadPendingAsync(10, default);
        Assert.Equal(["call.ringing"], pending.Select(p => p.Event.Subject));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("1")]
    public async Task Write_WithAnotherETag_IsAConflictAndChangesNothing(string? etag)
    {
        var current = await _store.WriteAsync("calls", "1", null, Bytes("a"), [], default);
        var conflict = await Assert.ThrowsAsync<StateConflictException>(
            () => _store.WriteAsync("calls", "1", etag, Bytes("b"), [Event("call.b", "1")], default));
        Assert.Equal(current, conflict.Stored);
        Assert.Equal("a", Encoding.UTF8.GetString((await _store.ReadAsync("calls", "1", default))!.Payload.Span));
        Assert.Empty(await _store.ReadPendingAsync(10, default));
    }

    [Fact]
    public async Task Write_AfterTheRowWasClearedAndMadeAnew_RefusesTheOldETag()
    {
        var old = await _store.WriteAsync("calls", "1", null, Bytes("a"), [], default);
        await _store.ClearAsync("calls", "1", old, default);
        await _store.WriteAsync("calls", "1", null, Bytes("b"), [], default);
        await Assert.ThrowsAsync<StateConflictException>(() => _store.WriteAsync("calls", "1", old, Bytes("c"), [], default));
    }

    [Fact]
    public async Task Write_ManyAtOnceWithOneConflict_FailsOnlyThatOne()
    {
        await _store.WriteAsync("calls", "taken", null, Bytes("x"), [], default);
        Task<string>[] writes =
        [
            .. Enumerable.Range(0, 100).Select(i => _store.WriteAsync("calls", $"{i}", null, Bytes("y"), [Event("e", $"{i}")], default)),
            _store.WriteAsync("calls", "taken", null, Bytes("z"), [Event("never", "taken")], default),
            .. Enumerable.Range(100, 100).Select(i => _store.WriteAsync("calls", $"{i}", null, Bytes("y"), [Event("e", $"{i}")], default)),
        ];
        await Assert.ThrowsAsync<StateConflictException>(() => Task.WhenAll(writes));
        Assert.Equal(200, writes.Count(w => w.IsCompletedSuccessfully));
        var pending = await _store.ReadPendingAsync(1_000, default);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{i}"), pending.Select(p => p.Event.Key));
    }

    [Fact]
    public async Task MarkPublished_RemovesOnlyThose()
    {
        await _store.WriteAsync("calls", "1", null, Bytes("a"), [Event("a", "1"), Event("b", "1"), Event("c", "1")], default);
        var pending = await _store.ReadPendingAsync(2, default);
        await _store.MarkPublishedAsync([.. pending.Select(p => p.Position)], default);
        Assert.Equal(["c"], (await _store.ReadPendingAsync(10, default)).Select(p => p.Event.Subject));
    }

    [Fact]
    public async Task Operations_AfterDispose_FailClearly()
    {
        await _database.DisposeAsync();
        await Assert.ThrowsAsync<StoreException>(() => _store.ReadAsync("calls", "1", default));
        Open();
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static OutboxEvent Event(string subject, string key) => new(Guid.NewGuid(), subject, key, Bytes("{}"));

    private void Open()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, "voice.db"));
        _store = new SqliteStateStore(_database);
    }
}
