using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Storage.Sqlite;

/// <summary>Chat messages in the embedded database. Without a signal nobody publishes events, and they are dropped.</summary>
public sealed class SqliteChatMessages(SqliteDatabase database, OutboxSignal? outbox = null, TimeProvider? clock = null) : IChatMessageStore
{
    private readonly TimeProvider _time = clock ?? TimeProvider.System;

    /// <inheritdoc/>
    public Task<ChatLogHead> ReadHeadAsync(Guid chatId, CancellationToken cancellationToken) =>
        database.RunAsync(connection => ReadHead(connection, chatId.ToString()), cancellationToken);

    /// <inheritdoc/>
    public async Task<ChatCommit?> CommitAsync(
        Guid chatId, ChatLogHead head, Guid commitId, IReadOnlyList<ChatWrite> writes, CancellationToken cancellationToken)
    {
        var commit = await database.RunAsync(
            connection =>
            {
                var chat = chatId.ToString();
                var stored = ReadHead(connection, chat);
                if (stored.Version != head.Version || stored.CommitId != head.CommitId)
                {
                    return null;
                }

                var results = new ChatWriteResult[writes.Count];
                for (var i = 0; i < writes.Count; i++)
                {
                    results[i] = Write(connection, chat, writes[i]);
                }

                var next = ChatRows.Advance(stored, commitId, writes, results);
                connection.Execute(
                    "INSERT INTO chat_log (chat_id, version, commit_id, messages, attachments, reactions, text_bytes, last_message_at) "
                    + "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chat_id) DO UPDATE SET version = excluded.version, commit_id = excluded.commit_id, "
                    + "messages = excluded.messages, attachments = excluded.attachments, reactions = excluded.reactions, "
                    + "text_bytes = excluded.text_bytes, last_message_at = excluded.last_message_at",
                    chat,
                    next.Version,
                    commitId.ToString(),
                    next.Messages,
                    next.Attachments,
                    next.Reactions,
                    next.TextBytes,
                    next.LastMessageAt?.UtcTicks ?? 0L);
                if (outbox is not null)
                {
                    SqliteStateStore.Append(connection, ChatRows.Changed(writes, results), _time);
                }

                return new ChatCommit(next, results);
            },
            cancellationToken).ConfigureAwait(false);
        outbox?.Notify();
        return commit;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ChatMessage>> ReadAsync(Guid chatId, long first, long last, CancellationToken cancellationToken) => database.RunAsync(
        connection =>
        {
            var chat = chatId.ToString();
            var messages = connection.Query(
                "SELECT id, position, sender_id, sender_text, receiver_id, receiver_text, type, text, sent_at FROM chat_message "
                + "WHERE chat_id = ? AND position BETWEEN ? AND ? ORDER BY position",
                row => new ChatMessage(
                    Guid.Parse(row.Text(0)),
                    row.Int64(1),
                    new ChatUser(Guid.Parse(row.Text(2)), row.Text(3)),
                    ChatRows.User(row.TextOrNull(4) is { } receiver ? Guid.Parse(receiver) : null, row.TextOrNull(5)),
                    (ChatMessageType)row.Int64(6),
                    row.Text(7),
                    ChatRows.Time(row.Int64(8))!.Value,
                    [],
                    []),
                chat,
                first,
                last);
            var attachments = connection.Query(
                "SELECT position, id, type, url, name, size, mime_type FROM chat_attachment WHERE chat_id = ? AND position BETWEEN ? AND ? ORDER BY position, number",
                row => new ChatRows.Of<ChatAttachment>(row.Int64(0), new ChatAttachment(
                    Guid.Parse(row.Text(1)), row.Text(2), row.Text(3), row.TextOrNull(4), row.Int64OrNull(5), row.TextOrNull(6))),
                chat,
                first,
                last);
            var reactions = connection.Query(
                "SELECT position, user_id, user_text, type, reacted_at FROM chat_reaction WHERE chat_id = ? AND position BETWEEN ? AND ? ORDER BY position, number",
                row => new ChatRows.Of<ChatReaction>(row.Int64(0), new ChatReaction(
                    new ChatUser(Guid.Parse(row.Text(1)), row.Text(2)), row.Text(3), ChatRows.Time(row.Int64(4))!.Value)),
                chat,
                first,
                last);
            return ChatRows.Join(messages, attachments, reactions);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<long?> FindAsync(Guid chatId, Guid messageId, CancellationToken cancellationToken) =>
        database.RunAsync(connection => Find(connection, chatId.ToString(), messageId), cancellationToken);

    private static ChatLogHead ReadHead(SqliteConnection connection, string chat) => connection.Query(
        "SELECT version, commit_id, messages, attachments, reactions, text_bytes, last_message_at FROM chat_log WHERE chat_id = ?",
        row => new ChatLogHead(
            row.Int64(0), Guid.Parse(row.Text(1)), row.Int64(2), row.Int64(3), row.Int64(4), row.Int64(5), ChatRows.Time(row.Int64(6))),
        chat) is [var head] ? head : ChatLogHead.Empty;

    private static long? Find(SqliteConnection connection, string chat, Guid messageId) => connection.Query(
        "SELECT position FROM chat_message WHERE chat_id = ? AND id = ?", row => row.Int64(0), chat, messageId.ToString()) is [var position]
        ? position
        : null;

    private static ChatWriteResult Write(SqliteConnection connection, string chat, ChatWrite write)
    {
        switch (write)
        {
            case MessageWrite { Message: var message }:
                connection.Execute(
                    "INSERT INTO chat_message (chat_id, position, id, sender_id, sender_text, receiver_id, receiver_text, type, text, sent_at) "
                    + "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    chat,
                    message.Position,
                    message.Id.ToString(),
                    message.Sender.UserId.ToString(),
                    message.Sender.Text,
                    message.Receiver?.UserId.ToString(),
                    message.Receiver?.Text,
                    (long)message.Type,
                    message.Text,
                    message.SentAt.UtcTicks);
                return ChatWriteResult.Done;
            case AttachmentWrite attach:
                return Find(connection, chat, attach.MessageId) is { } attached ? Attach(connection, chat, attached, attach) : ChatWriteResult.NoMessage;
            case ReactionWrite react:
                return Find(connection, chat, react.MessageId) is { } reacted ? React(connection, chat, reacted, react) : ChatWriteResult.NoMessage;
            default:
                throw new ArgumentException($"A write of type {write.GetType()} is unknown.", nameof(write));
        }
    }

    private static ChatWriteResult Attach(SqliteConnection connection, string chat, long position, AttachmentWrite write)
    {
        var attachment = write.Attachment;
        var isThere = connection.Query(
            "SELECT 1 FROM chat_attachment WHERE chat_id = ? AND position = ? AND id = ?", row => row.Int64(0), chat, position, attachment.Id.ToString());
        if (isThere.Count > 0)
        {
            return ChatWriteResult.Unchanged;
        }

        var count = connection.Query(
            "SELECT count(*) FROM chat_attachment WHERE chat_id = ? AND position = ?", row => row.Int64(0), chat, position).Single();
        if (count >= write.Limit)
        {
            return ChatWriteResult.TooMany;
        }

        connection.Execute(
            "INSERT INTO chat_attachment (chat_id, position, id, added_by, type, url, name, size, mime_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            chat,
            position,
            attachment.Id.ToString(),
            write.AddedBy.ToString(),
            attachment.Type,
            attachment.Url,
            attachment.Name,
            attachment.Size,
            attachment.MimeType);
        return ChatWriteResult.Done;
    }

    private static ChatWriteResult React(SqliteConnection connection, string chat, long position, ReactionWrite write)
    {
        var (user, type) = (write.Reaction.User, write.Reaction.Type);
        if (write.Removes)
        {
            connection.Execute(
                "DELETE FROM chat_reaction WHERE chat_id = ? AND position = ? AND user_id = ? AND type = ?", chat, position, user.UserId.ToString(), type);
            return connection.Changes > 0 ? ChatWriteResult.Done : ChatWriteResult.Unchanged;
        }

        var isThere = connection.Query(
            "SELECT 1 FROM chat_reaction WHERE chat_id = ? AND position = ? AND user_id = ? AND type = ?",
            row => row.Int64(0),
            chat,
            position,
            user.UserId.ToString(),
            type);
        if (isThere.Count > 0)
        {
            return ChatWriteResult.Unchanged;
        }

        var count = connection.Query(
            "SELECT count(*) FROM chat_reaction WHERE chat_id = ? AND position = ?", row => row.Int64(0), chat, position).Single();
        if (count >= write.Limit)
        {
            return ChatWriteResult.TooMany;
        }

        connection.Execute(
            "INSERT INTO chat_reaction (chat_id, position, user_id, user_text, type, reacted_at) VALUES (?, ?, ?, ?, ?, ?)",
            chat,
            position,
            user.UserId.ToString(),
            user.Text,
            type,
            write.Reaction.At.UtcTicks);
        return ChatWriteResult.Done;
    }
}
