using System.Text;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Storage;

/// <summary>What the stores of chat messages share: counting a commit, and putting a page together.</summary>
internal static class ChatRows
{
    /// <summary>A row of an attachment or a reaction, with the position of its message.</summary>
    internal readonly record struct Of<T>(long Position, T Value);

    /// <summary>The head after a commit.</summary>
    public static ChatLogHead Advance(ChatLogHead head, Guid commitId, IReadOnlyList<ChatWrite> writes, IReadOnlyList<ChatWriteResult> results)
    {
        var (messages, attachments, reactions, bytes, lastAt) = (head.Messages, head.Attachments, head.Reactions, head.TextBytes, head.LastMessageAt);
        foreach (var (write, result) in writes.Zip(results))
        {
            if (result != ChatWriteResult.Done)
            {
                continue;
            }

            switch (write)
            {
                case MessageWrite message:
                    messages++;
                    bytes += Encoding.UTF8.GetByteCount(message.Message.Text);
                    lastAt = message.Message.SentAt;
                    break;
                case AttachmentWrite:
                    attachments++;
                    break;
                case ReactionWrite reaction:
                    reactions += reaction.Removes ? -1 : 1;
                    break;
            }
        }

        return new ChatLogHead(head.Version + 1, commitId, messages, attachments, reactions, bytes, lastAt);
    }

    /// <summary>The events of the writes that changed something, in their order.</summary>
    public static OutboxEvent[] Changed(IReadOnlyList<ChatWrite> writes, IReadOnlyList<ChatWriteResult> results) =>
        [.. writes.Zip(results).Where(w => w is { Second: ChatWriteResult.Done, First.Event: not null }).Select(w => w.First.Event!)];

    /// <summary>Messages with what belongs to them.</summary>
    public static IReadOnlyList<ChatMessage> Join(
        IReadOnlyList<ChatMessage> messages, IEnumerable<Of<ChatAttachment>> attachments, IEnumerable<Of<ChatReaction>> reactions)
    {
        var attached = attachments.ToLookup(a => a.Position, a => a.Value);
        var reacted = reactions.ToLookup(r => r.Position, r => r.Value);
        return [.. messages.Select(m => attached.Contains(m.Position) || reacted.Contains(m.Position)
            ? m with { Attachments = [.. attached[m.Position]], Reactions = [.. reacted[m.Position]] }
            : m)];
    }

    /// <summary>A user of a row; null when the row has none.</summary>
    public static ChatUser? User(Guid? id, string? text) => id is { } userId ? new ChatUser(userId, text ?? userId.ToString()) : null;

    /// <summary>A time of a row: ticks in UTC, so that no database rounds it; 0 is none.</summary>
    public static DateTimeOffset? Time(long ticks) => ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero);
}
