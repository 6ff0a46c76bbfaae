using System.Globalization;
using Npgsql;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Storage.PostgreSql;

/// <summary>Grain state and outbox in PostgreSQL.</summary>
public sealed class PostgresStateStore(PostgresDatabase database) : IStateStore, IOutboxStore
{
    /// <summary>
    /// Held by a transaction that appends events until it commits, so that positions grow in the order of commits and a
    /// reader never passes one that is still being written.
    /// </summary>
    private const long OutboxLock = 0x6F7574626F78;

    private const string LeaseName = "dispatcher";

    /// <summary>
    /// Held by whoever writes a row, and taken by whoever reads it: a read waits for a write that is still under way, for
    /// instance one whose client gave up waiting, so that what it finds is final.
    /// </summary>
    private const string RowLock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    private const string SharedRowLock = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))";

    /// <inheritdoc/>
    public Task<StoredState?> ReadAsync(string store, string key, CancellationToken cancellationToken) => database.RunAsync<StoredState?>(
        async connection =>
        {
            // One round trip and one transaction; the second statement sees what was committed before the lock was given.
            await using var batch = new NpgsqlBatch(connection);
            Add(batch, SharedRowLock, RowKey(store, key));
            Add(batch, "SELECT version, payload FROM grain_state WHERE store = $1 AND key = $2", store, key);
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
            return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
                ? new StoredState(reader.GetFieldValue<byte[]>(1), ToETag(reader.GetInt64(0)))
                : null;
        },
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
            async (connection, attempt) =>
            {
                // Not a counter: a row that was cleared and made anew must not match an ETag of its earlier life.
                var version = Random.Shared.NextInt64(1, long.MaxValue);
                var bytes = payload.ToArray();
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                await using var write = new NpgsqlBatch(connection);
                Add(write, RowLock, RowKey(store, key));
                var row = etag is null
                    ? Add(
                        write,
                        "INSERT INTO grain_state (store, key, version, payload) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                        store,
                        key,
                        version,
                        bytes)
                    : Add(
                        write,
                        "UPDATE grain_state SET version = $3, payload = $4, updated_at = now() WHERE store = $1 AND key = $2 AND version = $5",
                        store,
                        key,
                        version,
                        bytes,
                        ToVersion(etag));
                await write.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                if (row.RecordsAffected == 0)
                {
                    throw await ConflictAsync(connection, store, key, etag, cancellationToken).ConfigureAwait(false);
                }

                await AppendAsync(connection, events, call, cancellationToken).ConfigureAwait(false);
                await attempt.CommitAsync(transaction, cancellationToken).ConfigureAwait(false);
                return ToETag(version);
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task ClearAsync(string store, string key, string? etag, CancellationToken cancellationToken) => database.RunAsync(
        async (connection, attempt) =>
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await using var command = Command(
                connection, "DELETE FROM grain_state WHERE store = $1 AND key = $2 AND version = $3", store, key, etag is null ? 0 : ToVersion(etag));
            if (await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == 0)
            {
                var conflict = await ConflictAsync(connection, store, key, etag, cancellationToken).ConfigureAwait(false);
                if (conflict.Stored is not null || etag is not null)
                {
                    throw conflict;
                }
            }

            await attempt.CommitAsync(transaction, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task AppendAsync(IReadOnlyList<OutboxEvent> events, CancellationToken cancellationToken) => database.RunAsync(
        async (connection, attempt) =>
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await AppendAsync(connection, events, null, cancellationToken).ConfigureAwait(false);
            await attempt.CommitAsync(transaction, cancellationToken).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<OutboxEntry>> ReadPendingAsync(long after, int limit, CancellationToken cancellationToken) => database.RunAsync<IReadOnlyList<OutboxEntry>>(
        async connection =>
        {
            await using var command = Command(
                connection, "SELECT position, id, subject, key, payload FROM outbox WHERE position > $1 ORDER BY position LIMIT $2", after, limit);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            var entries = new List<OutboxEntry>();
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                entries.Add(new OutboxEntry(
                    reader.GetInt64(0),
                    new OutboxEvent(reader.GetGuid(1), reader.GetString(2), reader.GetString(3), reader.GetFieldValue<byte[]>(4))));
            }

            return entries;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task MarkPublishedAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using var command = Command(connection, "DELETE FROM outbox WHERE position = ANY ($1)", positions.ToArray());
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<OutboxBacklog> ReadBacklogAsync(CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using var command = Command(
                connection,
                "SELECT count(*), coalesce(extract(epoch FROM now() - (SELECT created_at FROM outbox ORDER BY position LIMIT 1)), 0)::float8 FROM outbox");
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            return new OutboxBacklog(reader.GetInt64(0), TimeSpan.FromSeconds(Math.Max(0, reader.GetDouble(1))));
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<bool> TryLeaseAsync(Guid owner, TimeSpan duration, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            // The server's clock alone decides, so that those of the silos may differ.
            await using var command = Command(
                connection,
                "INSERT INTO outbox_lease AS held (name, owner, expires_at) VALUES ($1, $2, now() + $3) "
                + "ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at "
                + "WHERE held.owner = excluded.owner OR held.expires_at < now()",
                LeaseName,
                owner,
                duration);
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == 1;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task ReleaseLeaseAsync(Guid owner, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using var command = Command(connection, "DELETE FROM outbox_lease WHERE name = $1 AND owner = $2", LeaseName, owner);
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    internal static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return command;
    }

    internal static NpgsqlBatchCommand Add(NpgsqlBatch batch, string sql, params ReadOnlySpan<object> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        batch.BatchCommands.Add(command);
        return command;
    }

    private static async Task AppendAsync(
        NpgsqlConnection connection, IReadOnlyList<OutboxEvent> events, CallRow? call, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (call is not null)
        {
            PostgresCallHistory.Add(batch, call);
        }

        AddEvents(batch, events);
        if (batch.BatchCommands.Count > 0)
        {
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Appends events in the transaction of what they tell of; last of all, because others wait for its end.</summary>
    internal static void AddEvents(NpgsqlBatch batch, IReadOnlyList<OutboxEvent> events)
    {
        if (events.Count > 0)
        {
            Add(batch, "SELECT pg_advisory_xact_lock($1)", OutboxLock);
            Add(
                batch,
                "INSERT INTO outbox (id, subject, key, payload) "
                + "SELECT e.id, e.subject, e.key, e.payload "
                + "FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) WITH ORDINALITY AS e (id, subject, key, payload, number) "
                + "ORDER BY e.number ON CONFLICT (id) DO NOTHING",
                events.Select(e => e.Id).ToArray(),
                events.Select(e => e.Subject).ToArray(),
                events.Select(e => e.Key).ToArray(),
                events.Select(e => e.Payload.ToArray()).ToArray());
        }
    }

    private static string RowKey(string store, string key) => $"{store}/{key}";

    private static async Task<StateConflictException> ConflictAsync(
        NpgsqlConnection connection, string store, string key, string? etag, CancellationToken cancellationToken)
    {
        await using var query = Command(connection, "SELECT version FROM grain_state WHERE store = $1 AND key = $2", store, key);
        var stored = await query.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
        return new StateConflictException(store, key, etag, stored is long version ? ToETag(version) : null);
    }

    private static string ToETag(long version) => version.ToString(CultureInfo.InvariantCulture);

    /// <summary>An ETag that is none of ours matches no row.</summary>
    private static long ToVersion(string etag) => long.TryParse(etag, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : -1;
}
