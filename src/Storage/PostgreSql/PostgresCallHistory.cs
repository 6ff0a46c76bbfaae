using Npgsql;
using NpgsqlTypes;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.Storage.PostgreSql;

/// <summary>The call history in PostgreSQL. <see cref="PostgresStateStore"/> writes it with the states.</summary>
public sealed class PostgresCallHistory(PostgresDatabase database) : ICallHistory
{
    private const string Insert = "INSERT INTO call_history (id, chat_id, created_at, status, call) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) ";

    /// <inheritdoc/>
    public Task<Outcome<CallPage>> ReadAsync(Guid chatId, CallPageRequest page, CancellationToken cancellationToken) => database.RunAsync<Outcome<CallPage>>(
        async connection =>
        {
            // The position before which the page lies: a call's, or the least one of a time, or past the newest.
            var (createdAt, id) = (page.BeforeTime?.UtcTicks ?? long.MaxValue, Guid.Empty);
            if (page.BeforeCall is { } before)
            {
                await using var find = PostgresStateStore.Command(
                    connection, "SELECT created_at FROM call_history WHERE id = $1 AND chat_id = $2", before, chatId);
                if (await find.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not long position)
                {
                    return CallRow.UnknownCursor();
                }

                (createdAt, id) = (position, before);
            }

            await using var command = PostgresStateStore.Command(
                connection,
                "SELECT call FROM call_history WHERE chat_id = $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4",
                chatId,
                createdAt,
                id,
                page.Limit + 1);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            List<string> rows = [];
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                rows.Add(reader.GetString(0));
            }

            return CallRow.Page(rows, page.Limit);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task ImportAsync(IReadOnlyList<CallInfo> calls, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using var batch = new NpgsqlBatch(connection);
            foreach (var call in calls)
            {
                Add(batch, Insert + "DO NOTHING", CallRow.Of(call));
            }

            return calls.Count == 0 ? 0 : await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    /// <summary>Writes a call in the transaction of its state.</summary>
    internal static void Add(NpgsqlBatch batch, CallRow row) =>
        Add(batch, Insert + "DO UPDATE SET status = excluded.status, call = excluded.call", row);

    private static void Add(NpgsqlBatch batch, string sql, CallRow row)
    {
        var command = PostgresStateStore.Add(batch, sql, row.Id, row.ChatId, row.CreatedAt, row.Status);
        command.Parameters.Add(new NpgsqlParameter { Value = row.Json, NpgsqlDbType = NpgsqlDbType.Jsonb });
    }
}
