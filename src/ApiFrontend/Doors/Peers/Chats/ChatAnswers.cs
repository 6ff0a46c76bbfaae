using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Chats;

/// <summary>A chat session.</summary>
/// <param name="Duration">Nanoseconds; null for ever.</param>
internal sealed record ChatSessionAnswer(
    string Id, string CreatorId, string[] Participants, bool IsGroup, long? Duration, DateTime CreatedAt, DateTime? ExpiresAt)
{
    private const long NanosecondsPerTick = 100;

    public static ChatSessionAnswer Of(ChatInfo chat) => new(
        PeerIds.Write(PeerIds.Session, chat.Id),
        chat.Members().First(m => m.UserId == chat.CreatedBy).Text,
        [.. chat.Members().Select(m => m.Text)],
        chat.IsGroup,
        (chat.ExpiresAt - chat.CreatedAt)?.Ticks * NanosecondsPerTick,
        PeerJson.Time(chat.CreatedAt),
        chat.ExpiresAt is { } end ? PeerJson.Time(end) : null);
}

/// <summary>An attachment.</summary>
internal sealed record AttachmentAnswer(string Id, string Type, string Url, string? Name, long? Size, string? MimeType)
{
    public static AttachmentAnswer Of(ChatAttachment attachment) => new(
        PeerIds.Write(PeerIds.Attachment, attachment.Id), attachment.Type, attachment.Url, attachment.Name, attachment.Size, attachment.MimeType);
}

/// <summary>A reaction.</summary>
internal sealed record ReactionAnswer(string Type, string UserId, DateTime Timestamp)
{
    public static ReactionAnswer Of(ChatReaction reaction) => new(reaction.Type, reaction.User.Text, PeerJson.Time(reaction.At));
}

/// <summary>A message.</summary>
/// <param name="Position">Counts the session's messages from 1: their one order.</param>
internal sealed record MessageAnswer(
    string Id,
    string SessionId,
    long Position,
    string SenderId,
    string? ReceiverId,
    string Message,
    string Type,
    DateTime Timestamp,
    AttachmentAnswer[] Attachments,
    ReactionAnswer[] Reactions)
{
    public static MessageAnswer Of(Guid chatId, ChatMessage message) => new(
        PeerIds.Write(PeerIds.Message, message.Id),
        PeerIds.Write(PeerIds.Session, chatId),
        message.Position,
        message.Sender.Text,
        message.Receiver?.Text,
        message.Text,
        message.Type.ToString().ToLowerInvariant(),
        PeerJson.Time(message.SentAt),
        [.. message.Attachments.Select(AttachmentAnswer.Of)],
        [.. message.Reactions.Select(ReactionAnswer.Of)]);
}

/// <summary>What a session holds.</summary>
/// <param name="Remaining">Nanoseconds until its end; null for ever.</param>
internal sealed record UsageAnswer(
    string SessionId,
    int Participants,
    long Messages,
    long Attachments,
    long Reactions,
    long TextBytes,
    DateTime CreatedAt,
    DateTime? LastMessageAt,
    DateTime? ExpiresAt,
    long? Remaining)
{
    private const long NanosecondsPerTick = 100;

    public static UsageAnswer Of(ChatUsage usage, DateTimeOffset now) => new(
        PeerIds.Write(PeerIds.Session, usage.Chat.Id),
        usage.Chat.MemberIds.Length,
        usage.Messages,
        usage.Attachments,
        usage.Reactions,
        usage.TextBytes,
        PeerJson.Time(usage.Chat.CreatedAt),
        usage.LastMessageAt is { } last ? PeerJson.Time(last) : null,
        usage.Chat.ExpiresAt is { } end ? PeerJson.Time(end) : null,
        (usage.Chat.ExpiresAt - now)?.Ticks * NanosecondsPerTick);
}
