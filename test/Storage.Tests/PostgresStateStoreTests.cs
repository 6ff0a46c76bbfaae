using VoiceCluster.Abstractions.Events;
using VoiceCluster.Storage.PostgreSql;

namespace VoiceCluster.Storage.Tests;

/// <summary>The contract, and what only a server can do: go away, and be used by several at once.</summary>
public sealed class PostgresStateStoreTests(PostgresServer server) : StateStoreContract, IClassFixture<PostgresServer>, IAsyncLifetime
{
    private Npgsql.NpgsqlConnectionStringBuilder _connection = null!;
    private PostgresDatabase _database = null!;
    private PostgresStateStore _store = null!;

    protected override IStateStore Store => _store;

    protected override IOutboxStore Outbox => _store;

    public async Task InitializeAsync()
    {
        _connection = await server.CreateDatabaseAsync();
        Open();
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Schema_MadeByManyAtOnce_IsMadeOnce()
    {
        PostgresDatabase[] databases = [.. Enumerable.Range(0, 8).Select(_ => PostgresDatabase.Open(_connection))];
        await Task.WhenAll(databases.Select((d, i) =>
            new PostgresStateStore(d).WriteAsync("calls", $"{i}", null, ReadOnlyMemory<byte>.Empty, [], default)));
        foreach (var database in databases)
        {
            await database.DisposeAsync();
        }
    }

    [Fact]
    public async Task Server_GoesAwayAndComesBack_FailsClearlyAndThenGoesOn()
    {
        var etag = await _store.WriteAsync("calls", "1", null, new byte[] { 1 }, [], default);
        await server.StopAsync();
        await Assert.ThrowsAsync<StoreException>(() => _store.WriteAsync("calls", "1", etag, new byte[] { 2 }, [], default));
        await server.StartAsync();

        await _store.WriteAsync("calls", "1", etag, new byte[] { 3 }, [], default);
        Assert.Equal([3], (await _store.ReadAsync("calls", "1", default))!.Payload.ToArray());
    }

    [Theory]
    [InlineData("immediate")]
    [InlineData("fast")]
    public async Task Server_WasAwayWhileNobodyAsked_IsNotNoticed(string mode)
    {
        // So many at once that the pool has a connection for each, all of which end unseen.
        var reminders = new PostgresReminderTable(_database);
        var grain = GrainId.Create("call", "1");
        var version = await reminders.UpsertRow(new ReminderEntry { GrainId = grain, ReminderName = "ring", StartAt = DateTime.UtcNow, Period = TimeSpan.FromMinutes(1) });
        var etags = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => _store.WriteAsync("calls", $"{i}", null, new byte[] { 1 }, [], default)));
        await server.StopAsync(mode);
        await server.StartAsync();

        await _store.WriteAsync("calls", "0", etags[0], new byte[] { 2 }, [], default);
        await server.StopAsync(mode);
        await server.StartAsync();

        await _store.ClearAsync("calls", "1", etags[1], default);
        Assert.True(await reminders.RemoveRow(grain, "ring", version));
        for (var i = 2; i < etags.Length; i++)
        {
            Assert.Equal(etags[i], (await _store.ReadAsync("calls", $"{i}", default))!.ETag);
        }

        Assert.Equal([2], (await _store.ReadAsync("calls", "0", default))!.Payload.ToArray());
        Assert.Null(await _store.ReadAsync("calls", "1", default));
    }

    [Fact]
    public async Task Server_StartsAfterItsClient_IsWaitedFor()
    {
        await server.StopAsync();
        await using var early = PostgresDatabase.Open(_connection);
        var read = new PostgresStateStore(early).ReadAsync("calls", "1", default);
        await server.StartAsync();

        Assert.Null(await read);
    }

    [Fact]
    public async Task Server_HangsAndGoesOn_FailsClearlyAndWhatIsReadThenIsFinal()
    {
        var etags = new string[24];
        for (var i = 0; i < etags.Length; i++)
        {
            etags[i] = await _store.WriteAsync("calls", $"{i}", null, new byte[] { 1 }, [], default);
        }

        await server.PauseAsync();
        try
        {
            var writes = etags.Select((etag, i) => _store.WriteAsync("calls", $"{i}", etag, new byte[] { 2 }, [], default)).ToArray();
            foreach (var write in writes)
            {
                await Assert.ThrowsAsync<StoreException>(() => write);
            }

            // So many are without an answer now that the next one does not even begin.
            var refused = await Assert.ThrowsAsync<StoreException>(() => _store.ReadAsync("calls", "0", default));
            Assert.Equal("PostgreSQL does not answer.", refused.Message);
            Assert.Null(refused.InnerException);
        }
        finally
        {
            await server.ResumeAsync();
        }

        // Some of the writes may have come too late to be called off; what a read says now stays so.
        for (var i = 0; i < etags.Length; i++)
        {
            var read = await ReadWhenBackAsync($"{i}");
            await _store.WriteAsync("calls", $"{i}", read.ETag, new byte[] { 3 }, [], default);
            Assert.Equal([3], (await _store.ReadAsync("calls", $"{i}", default))!.Payload.ToArray());
        }
    }

    [Fact]
    public async Task Events_OfManyWritersAtOnce_AreReadInTheOrderOfTheirCommits()
    {
        var read = new List<long>();
        var writers = Task.WhenAll(Enumerable.Range(0, 8).Select(async w =>
        {
            for (var i = 0; i < 25; i++)
            {
                await _store.WriteAsync(
                    "calls", $"{w}-{i}", null, ReadOnlyMemory<byte>.Empty, [new OutboxEvent(Guid.NewGuid(), "e", $"{w}", "{}"u8.ToArray())], default);
            }
        }));

        // A reader that takes what it sees must never find an earlier position afterwards.
        while (read.Count < 200)
        {
            var pending = await _store.ReadPendingAsync(0, 50, default);
            Assert.All(pending, p => Assert.True(read.Count == 0 || p.Position > read[^1]));
            read.AddRange(pending.Select(p => p.Position));
            await _store.MarkPublishedAsync([.. pending.Select(p => p.Position)], default);
        }

        await writers;
        Assert.Empty(await _store.ReadPendingAsync(0, 10, default));
    }

    protected override async Task ReopenAsync()
    {
        await _database.DisposeAsync();
        Open();
    }

    private async Task<StoredState> ReadWhenBackAsync(string key)
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                return (await _store.ReadAsync("calls", key, default))!;
            }
            catch (StoreException)
            {
                await Task.Delay(50, deadline.Token);
            }
        }
    }

    private void Open()
    {
        _database = PostgresDatabase.Open(_connection);
        _store = new PostgresStateStore(_database);
    }
}
