using Npgsql;
using NpgsqlTypes;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Storage.PostgreSql;

/// <summary>Chat messages in PostgreSQL. Without a signal nobody publishes events, and they are dropped.</summary>
public sealed class PostgresChatMessages(PostgresDatabase database, OutboxSignal? outbox = null) : IChatMessageStore
{
    /// <summary>
    /// Held by whoever writes a chat's log, and taken by whoever reads its head: a head that was read is final, also when a
    /// writer has given up waiting for its commit.
    /// </summary>
    private const string LogLock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 1))";
    private const string SharedLogLock = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 1))";

    private const string SelectHead =
        "SELECT version, commit_id, messages, attachments, reactions, text_bytes, last_message_at FROM chat_log WHERE chat_id = $1";

    /// <inheritdoc/>
    public Task<ChatLogHead> ReadHeadAsync(Guid chatId, CancellationToken cancellationToken) => database.RunAsync(
        connection => ReadHeadAsync(connection, SharedLogLock, chatId, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async Task<ChatCommit?> CommitAsync(
        Guid chatId, ChatLogHead head, Guid commitId, IReadOnlyList<ChatWrite> writes, CancellationToken cancellationToken)
    {
        var commit = await database.RunAsync(
            async (connection, attempt) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                var stored = await ReadHeadAsync(connection, LogLock, chatId, cancellationToken).ConfigureAwait(false);
                if (stored.Version != head.Version || stored.CommitId != head.CommitId)
                {
                    return null;
                }

                var results = await WriteAsync(connection, chatId, writes, cancellationToken).ConfigureAwait(false);
                var next = ChatRows.Advance(stored, commitId, writes, results);
                await using NpgsqlBatch batch = new(connection);
                PostgresStateStore.Add(
                    batch,
                    "INSERT INTO chat_log (chat_id, version, commit_id, messages, attachments, reactions, text_bytes, last_message_at) "
                    + "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (chat_id) DO UPDATE SET version = excluded.version, "
                    + "commit_id = excluded.commit_id, messages = excluded.messages, attachments = excluded.attachments, "
                    + "reactions = excluded.reactions, text_bytes = excluded.text_bytes, last_message_at = excluded.last_message_at",
                    chatId,
                    next.Version,
                    commitId,
                    next.Messages,
                    next.Attachments,
                    next.Reactions,
                    next.TextBytes,
                    next.LastMessageAt?.UtcTicks ?? 0L);
                if (outbox is not null)
                {
                    PostgresStateStore.AddEvents(batch, ChatRows.Changed(writes, results));
                }

                await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                await attempt.CommitAsync(transaction, cancellationToken).ConfigureAwait(false);
                return new ChatCommit(next, results);
            },
            cancellationToken).ConfigureAwait(false);
        outbox?.Notify();
        return commit;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ChatMessage>> ReadAsync(Guid chatId, long first, long last, CancellationToken cancellationToken) => database.RunAsync(
        async connection =>
        {
            await using NpgsqlBatch batch = new(connection);
            PostgresStateStore.Add(
                batch,
                "SELECT id, position, sender_id, sender_text, receiver_id, receiver_text, type, text, sent_at FROM chat_message "
                + "WHERE chat_id = $1 AND position BETWEEN $2 AND $3 ORDER BY position",
                chatId,
                first,
                last);
            PostgresStateStore.Add(
                batch,
                "SELECT position, id, type, url, name, size, mime_type FROM chat_attachment "
                + "WHERE chat_id = $1 AND position BETWEEN $2 AND $3 ORDER BY position, number",
                chatId,
                first,
                last);
            PostgresStateStore.Add(
                batch,
                "SELECT position, user_id, user_text, type, reacted_at FROM chat_reaction "
                + "WHERE chat_id = $1 AND position BETWEEN $2 AND $3 ORDER BY position, number",
                chatId,
                first,
                last);
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            List<ChatMessage> messages = [];
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                messages.Add(new ChatMessage(
                    reader.GetGuid(0),
                    reader.GetInt64(1),
                    new ChatUser(reader.GetGuid(2), reader.GetString(3)),
                    ChatRows.User(reader.IsDBNull(4) ? null : reader.GetGuid(4), TextOrNull(reader, 5)),
                    (ChatMessageType)reader.GetInt16(6),
                    reader.GetString(7),
                    ChatRows.Time(reader.GetInt64(8))!.Value,
                    [],
                    []));
            }

            List<ChatRows.Of<ChatAttachment>> attachments = [];
            await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                attachments.Add(new(reader.GetInt64(0), new ChatAttachment(
                    reader.GetGuid(1),
                    reader.GetString(2),
                    reader.GetString(3),
                    TextOrNull(reader, 4),
                    reader.IsDBNull(5) ? null : reader.GetInt64(5),
                    TextOrNull(reader, 6))));
            }

            List<ChatRows.Of<ChatReaction>> reactions = [];
            await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                reactions.Add(new(reader.GetInt64(0), new ChatReaction(
                    new ChatUser(reader.GetGuid(1), reader.GetString(2)), reader.GetString(3), ChatRows.Time(reader.GetInt64(4))!.Value)));
            }

            return ChatRows.Join(messages, attachments, reactions);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<long?> FindAsync(Guid chatId, Guid messageId, CancellationToken cancellationToken) => database.RunAsync(
        connection => FindAsync(connection, chatId, messageId, cancellationToken), cancellationToken);

    private static string? TextOrNull(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static async Task<ChatLogHead> ReadHeadAsync(NpgsqlConnection connection, string locking, Guid chatId, CancellationToken cancellationToken)
    {
        // One round trip; the second statement sees what was committed before the lock was given.
        await using NpgsqlBatch batch = new(connection);
        PostgresStateStore.Add(batch, locking, chatId.ToString());
        PostgresStateStore.Add(batch, SelectHead, chatId);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
            ? new ChatLogHead(
                reader.GetInt64(0),
                reader.GetGuid(1),
                reader.GetInt64(2),
                reader.GetInt64(3),
                reader.GetInt64(4),
                reader.GetInt64(5),
                ChatRows.Time(reader.GetInt64(6)))
            : ChatLogHead.Empty;
    }

    private static async Task<long?> FindAsync(NpgsqlConnection connection, Guid chatId, Guid messageId, CancellationToken cancellationToken)
    {
        await using var command = PostgresStateStore.Command(
            connection, "SELECT position FROM chat_message WHERE chat_id = $1 AND id = $2", chatId, messageId);
        return (long?)await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>In their order; messages that stand side by side go together in one statement.</summary>
    private static async Task<ChatWriteResult[]> WriteAsync(
        NpgsqlConnection connection, Guid chatId, IReadOnlyList<ChatWrite> writes, CancellationToken cancellationToken)
    {
        var results = new ChatWriteResult[writes.Count];
        for (var i = 0; i < writes.Count;)
        {
            switch (writes[i])
            {
                case MessageWrite:
                    ChatMessage[] run = [.. writes.Skip(i).TakeWhile(w => w is MessageWrite).Select(w => ((MessageWrite)w).Message)];
                    await InsertAsync(connection, chatId, run, cancellationToken).ConfigureAwait(false);
                    i += run.Length;
                    continue;
                case AttachmentWrite attach:
                    results[i] = await AttachAsync(connection, chatId, attach, cancellationToken).ConfigureAwait(false);
                    break;
                case ReactionWrite react:
                    results[i] = await ReactAsync(connection, chatId, react, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    throw new ArgumentException($"A write of type {writes[i].GetType()} is unknown.", nameof(writes));
            }

            i++;
        }

        return results;
    }

    private static async Task InsertAsync(NpgsqlConnection connection, Guid chatId, ChatMessage[] messages, CancellationToken cancellationToken)
    {
        await using var command = PostgresStateStore.Command(
            connection,
            "INSERT INTO chat_message (chat_id, position, id, sender_id, sender_text, receiver_id, receiver_text, type, text, sent_at) "
            + "SELECT $1, m.* FROM unnest($2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::smallint[], $9::text[], $10::bigint[]) AS m",
            chatId,
            messages.Select(m => m.Position).ToArray(),
            messages.Select(m => m.Id).ToArray(),
            messages.Select(m => m.Sender.UserId).ToArray(),
            messages.Select(m => m.Sender.Text).ToArray());
        command.Parameters.Add(new NpgsqlParameter
        {
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
            Value = messages.Select(m => m.Receiver?.UserId).ToArray(),
        });
        command.Parameters.Add(new NpgsqlParameter
        {
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
            Value = messages.Select(m => m.Receiver?.Text).ToArray(),
        });
        command.Parameters.Add(new NpgsqlParameter { Value = messages.Select(m => (short)m.Type).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = messages.Select(m => m.Text).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = messages.Select(m => m.SentAt.UtcTicks).ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<ChatWriteResult> AttachAsync(
        NpgsqlConnection connection, Guid chatId, AttachmentWrite write, CancellationToken cancellationToken)
    {
        if (await FindAsync(connection, chatId, write.MessageId, cancellationToken).ConfigureAwait(false) is not { } position)
        {
            return ChatWriteResult.NoMessage;
        }

        var attachment = write.Attachment;
        await using var count = PostgresStateStore.Command(
            connection,
            "SELECT count(*), count(*) FILTER (WHERE id = $3) FROM chat_attachment WHERE chat_id = $1 AND position = $2",
            chatId,
            position,
            attachment.Id);
        if (await RefuseAsync(count, write.Limit, cancellationToken).ConfigureAwait(false) is { } refused)
        {
            return refused;
        }

        await using var insert = PostgresStateStore.Command(
            connection,
            "INSERT INTO chat_attachment (chat_id, position, id, added_by, type, url, name, size, mime_type) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            chatId,
            position,
            attachment.Id,
            write.AddedBy,
            attachment.Type,
            attachment.Url);
        insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = attachment.Name ?? (object)DBNull.Value });
        insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Bigint, Value = attachment.Size ?? (object)DBNull.Value });
        insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = attachment.MimeType ?? (object)DBNull.Value });
        await insert.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        return ChatWriteResult.Done;
    }

    private static async Task<ChatWriteResult> ReactAsync(
        NpgsqlConnection connection, Guid chatId, ReactionWrite write, CancellationToken cancellationToken)
    {
        if (await FindAsync(connection, chatId, write.MessageId, cancellationToken).ConfigureAwait(false) is not { } position)
        {
            return ChatWriteResult.NoMessage;
        }

        var (user, type) = (write.Reaction.User, write.Reaction.Type);
        if (write.Removes)
        {
            await using var delete = PostgresStateStore.Command(
                connection,
                "DELETE FROM chat_reaction WHERE chat_id = $1 AND position = $2 AND user_id = $3 AND type = $4",
                chatId,
                position,
                user.UserId,
                type);
            return await delete.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) > 0 ? ChatWriteResult.Done : ChatWriteResult.Unchanged;
        }

        await using var count = PostgresStateStore.Command(
            connection,
            "SELECT count(*), count(*) FILTER (WHERE user_id = $3 AND type = $4) FROM chat_reaction WHERE chat_id = $1 AND position = $2",
            chatId,
            position,
            user.UserId,
            type);
        if (await RefuseAsync(count, write.Limit, cancellationToken).ConfigureAwait(false) is { } refused)
        {
            return refused;
        }

        await using var insert = PostgresStateStore.Command(
            connection,
            "INSERT INTO chat_reaction (chat_id, position, user_id, user_text, type, reacted_at) VALUES ($1, $2, $3, $4, $5, $6)",
            chatId,
            position,
            user.UserId,
            user.Text,
            type,
            write.Reaction.At.UtcTicks);
        await insert.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        return ChatWriteResult.Done;
    }

    /// <summary>Reads how many there are and whether this one is among them; null when it may be added.</summary>
    private static async Task<ChatWriteResult?> RefuseAsync(NpgsqlCommand count, int limit, CancellationToken cancellationToken)
    {
        await using var reader = await count.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return reader.GetInt64(1) > 0 ? ChatWriteResult.Unchanged : reader.GetInt64(0) >= limit ? ChatWriteResult.TooMany : null;
    }
}
