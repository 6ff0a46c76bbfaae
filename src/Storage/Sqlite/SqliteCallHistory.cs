using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.Storage.Sqlite;

/// <summary>The call history in the embedded database. <see cref="SqliteStateStore"/> writes it with the states.</summary>
public sealed class SqliteCallHistory(SqliteDatabase database) : ICallHistory
{
    private const string Insert = "INSERT INTO call_history (id, chat_id, created_at, status, call) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) ";

    /// <inheritdoc/>
    public Task<Outcome<CallPage>> ReadAsync(Guid chatId, CallPageRequest page, CancellationToken cancellationToken) => database.RunAsync<Outcome<CallPage>>(
        connection =>
        {
            // The position before which the page lies: a call's, or the least one of a time, or past the newest.
            var (createdAt, id) = (page.BeforeTime?.UtcTicks ?? long.MaxValue, "");
            if (page.BeforeCall is { } before)
            {
                var found = connection.Query(
                    "SELECT created_at FROM call_history WHERE id = ? AND chat_id = ?", row => row.Int64(0), before.ToString(), chatId.ToString());
                if (found is not [var position])
                {
                    return CallRow.UnknownCursor();
                }

                (createdAt, id) = (position, before.ToString());
            }

            var rows = connection.Query(
                "SELECT call FROM call_history WHERE chat_id = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?",
                row => row.Text(0),
                chatId.ToString(),
                createdAt,
                id,
                page.Limit + 1);
            return CallRow.Page(rows, page.Limit);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task ImportAsync(IReadOnlyList<CallInfo> calls, CancellationToken cancellationToken) => database.RunAsync(
        connection =>
        {
            foreach (var call in calls)
            {
                Execute(connection, Insert + "DO NOTHING", CallRow.Of(call));
            }

            return calls.Count;
        },
        cancellationToken);

    /// <summary>Writes a call in the transaction of its state.</summary>
    internal static void Write(SqliteConnection connection, CallRow row) =>
        Execute(connection, Insert + "DO UPDATE SET status = excluded.status, call = excluded.call", row);

    private static void Execute(SqliteConnection connection, string sql, CallRow row) =>
        connection.Execute(sql, row.Id.ToString(), row.ChatId.ToString(), row.CreatedAt, row.Status, row.Json);
}
