using System.Globalization;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Storage.Sqlite;

/// <summary>Grain state and outbox in the embedded database.</summary>
public sealed class SqliteStateStore(SqliteDatabase database, TimeProvider? clock = null) : IStateStore, IOutboxStore
{
    private readonly TimeProvider _time = clock ?? TimeProvider.System;
    private readonly Lock _leaseGate = new();
    private Guid _leaseOwner;
    private DateTimeOffset _leaseEnd;

    /// <inheritdoc/>
    public Task<StoredState?> ReadAsync(string store, string key, CancellationToken cancellationToken) =>
        database.RunAsync(
            connection => connection.Query(
                "SELECT version, payload FROM grain_state WHERE store = ? AND key = ?",
                row => new StoredState(row.Blob(1), ToETag(row.Int64(0))),
                store,
                key).SingleOrDefault(),
            cancellationToken);

    /// <inheritdoc/>
    public Task<string> WriteAsync(
        string store,
        string key,
        string? etag,
        ReadOnlyMemory<byte> payload,
        IReadOnlyList<OutboxEvent> events,
        CallRow? call,
        CancellationToken cancellationToken) =>
        database.RunAsync(
            connection =>
            {
                CheckVersion(connection, store, key, etag);

                // Not a counter: a row that was cleared and made anew must not match an ETag of its earlier life.
                var version = Random.Shared.NextInt64(1, long.MaxValue);
                connection.Execute(
                    "INSERT INTO grain_state (store, key, version, payload) VALUES (?, ?, ?, ?) "
                    + "ON CONFLICT (store, key) DO UPDATE SET version = excluded.version, payload = excluded.payload",
                    store,
                    key,
                    version,
                    payload);
                if (call is not null)
                {
                    SqliteCallHistory.Write(connection, call);
                }

                Append(connection, events, _time);
                return ToETag(version);
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task ClearAsync(string store, string key, string? etag, CancellationToken cancellationToken) =>
        database.RunAsync(
            connection =>
            {
                CheckVersion(connection, store, key, etag);
                connection.Execute("DELETE FROM grain_state WHERE store = ? AND key = ?", store, key);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task AppendAsync(IReadOnlyList<OutboxEvent> events, CancellationToken cancellationToken) =>
        database.RunAsync(
            connection =>
            {
                Append(connection, events, _time);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<OutboxEntry>> ReadPendingAsync(long after, int limit, CancellationToken cancellationToken) =>
        await database.RunAsync(
            connection => connection.Query(
                "SELECT position, id, subject, key, payload FROM outbox WHERE position > ? ORDER BY position LIMIT ?",
                row => new OutboxEntry(row.Int64(0), new OutboxEvent(Guid.Parse(row.Text(1)), row.Text(2), row.Text(3), row.Blob(4))),
                after,
                (long)limit),
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public Task MarkPublishedAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken) =>
        database.RunAsync(
            connection =>
            {
                foreach (var position in positions)
                {
                    connection.Execute("DELETE FROM outbox WHERE position = ?", position);
                }

                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<OutboxBacklog> ReadBacklogAsync(CancellationToken cancellationToken) =>
        database.RunAsync(
            connection =>
            {
                var count = connection.Query("SELECT count(*) FROM outbox", row => row.Int64(0)).Single();
                var oldest = connection.Query("SELECT created_at FROM outbox ORDER BY position LIMIT 1", row => row.Int64(0));
                var age = oldest is [> 0 and var created] ? _time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(created) : TimeSpan.Zero;
                return new OutboxBacklog(count, age > TimeSpan.Zero ? age : TimeSpan.Zero);
            },
            cancellationToken);

    /// <inheritdoc/>
    /// <remarks>In memory: one process has the file, and a new one must not wait for the time of one that died.</remarks>
    public Task<bool> TryLeaseAsync(Guid owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        lock (_leaseGate)
        {
            var now = _time.GetUtcNow();
            if (_leaseOwner != owner && _leaseEnd > now)
            {
                return Task.FromResult(false);
            }

            _leaseOwner = owner;
            _leaseEnd = now + duration;
            return Task.FromResult(true);
        }
    }

    /// <inheritdoc/>
    public Task ReleaseLeaseAsync(Guid owner, CancellationToken cancellationToken)
    {
        lock (_leaseGate)
        {
            if (_leaseOwner == owner)
            {
                _leaseEnd = default;
            }
        }

        return Task.CompletedTask;
    }

    private static string ToETag(long version) => version.ToString(CultureInfo.InvariantCulture);

    /// <summary>Compares the row's ETag, null for no row, with what the caller expects.</summary>
    private static void CheckVersion(SqliteConnection connection, string store, string key, string? etag)
    {
        var current = connection.Query(
            "SELECT version FROM grain_state WHERE store = ? AND key = ?", row => ToETag(row.Int64(0)), store, key).SingleOrDefault();
        if (current != etag)
        {
            throw new StateConflictException(store, key, etag, current);
        }
    }

    /// <summary>Appends events in the transaction of what they tell of.</summary>
    internal static void Append(SqliteConnection connection, IReadOnlyList<OutboxEvent> events, TimeProvider time)
    {
        foreach (var outboxEvent in events)
        {
            connection.Execute(
                "INSERT INTO outbox (id, subject, key, payload, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                outboxEvent.Id.ToString(),
                outboxEvent.Subject,
                outboxEvent.Key,
                outboxEvent.Payload,
                time.GetUtcNow().ToUnixTimeMilliseconds());
        }
    }
}
