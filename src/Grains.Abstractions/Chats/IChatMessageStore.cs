using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Abstractions.Chats;

/// <summary>
/// The messages of all chats as rows. A chat's writer groups what waits into one commit; the head of the chat's log says which
/// commit was the last, so that two writers never give two messages one position, and one who does not know whether a
/// commit happened can look.
/// </summary>
public interface IChatMessageStore
{
    /// <summary>The head of a chat's log; that of an empty one is all zeros. It waits for a commit that is under way.</summary>
    Task<ChatLogHead> ReadHeadAsync(Guid chatId, CancellationToken cancellationToken);

    /// <summary>
    /// Carries out writes in their order, with the events of those that change something, in one transaction.
    /// Null when the log's head is not <paramref name="head"/> any more: then nothing has happened.
    /// </summary>
    Task<ChatCommit?> CommitAsync(
        Guid chatId, ChatLogHead head, Guid commitId, IReadOnlyList<ChatWrite> writes, CancellationToken cancellationToken);

    /// <summary>Messages from one position to another, both included, in their order, with attachments and reactions.</summary>
    Task<IReadOnlyList<ChatMessage>> ReadAsync(Guid chatId, long first, long last, CancellationToken cancellationToken);

    /// <summary>A message's position; null when the chat has no such message.</summary>
    Task<long?> FindAsync(Guid chatId, Guid messageId, CancellationToken cancellationToken);
}

/// <summary>The end of a chat's log.</summary>
/// <param name="Version">Counts commits.</param>
/// <param name="CommitId">The last commit; empty before the first.</param>
/// <param name="Messages">How many messages there are, and so the last one's position.</param>
public sealed record ChatLogHead(
    long Version, Guid CommitId, long Messages, long Attachments, long Reactions, long TextBytes, DateTimeOffset? LastMessageAt)
{
    /// <summary>The head of a log without anything in it.</summary>
    public static ChatLogHead Empty { get; } = new(0, Guid.Empty, 0, 0, 0, 0, null);
}

/// <summary>One write to a chat's log, with the event that tells of it when it changes something.</summary>
public abstract record ChatWrite(OutboxEvent? Event);

/// <summary>A message, which has the next position.</summary>
public sealed record MessageWrite(ChatMessage Message, OutboxEvent? Event) : ChatWrite(Event);

/// <summary>An attachment of a message.</summary>
/// <param name="Limit">How many attachments the message may have.</param>
public sealed record AttachmentWrite(Guid MessageId, Guid AddedBy, ChatAttachment Attachment, int Limit, OutboxEvent? Event) : ChatWrite(Event);

/// <summary>A reaction to a message, or its removal.</summary>
/// <param name="Limit">How many reactions the message may have.</param>
public sealed record ReactionWrite(Guid MessageId, ChatReaction Reaction, bool Removes, int Limit, OutboxEvent? Event) : ChatWrite(Event);

/// <summary>What became of a write.</summary>
public enum ChatWriteResult
{
    /// <summary>It changed the log.</summary>
    Done,

    /// <summary>It is so already.</summary>
    Unchanged,

    /// <summary>There is no such message.</summary>
    NoMessage,

    /// <summary>The message has as many as it may have.</summary>
    TooMany,
}

/// <summary>A commit: the new head, and what became of each write.</summary>
public sealed record ChatCommit(ChatLogHead Head, IReadOnlyList<ChatWriteResult> Results);
