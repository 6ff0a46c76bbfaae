namespace VoiceCluster.Abstractions.Chats;

/// <summary>A user, and the text by which its door knows it.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatUser")]
public sealed record ChatUser([property: Id(0)] Guid UserId, [property: Id(1)] string Text);

/// <summary>A request to make a chat.</summary>
/// <param name="Members">The others; the creator may be among them.</param>
/// <param name="Duration">How long the chat lasts; null for ever.</param>
[GenerateSerializer, Immutable, Alias("vc.NewChat")]
public sealed record NewChat(
    [property: Id(0)] ChatUser Creator,
    [property: Id(1)] ChatUser[] Members,
    [property: Id(2)] bool IsGroup,
    [property: Id(3)] TimeSpan? Duration);

/// <summary>What a message is.</summary>
[GenerateSerializer]
public enum ChatMessageType
{
    Text = 0,

    /// <summary>Its attachments are pictures.</summary>
    Image = 1,

    /// <summary>Its attachments are files.</summary>
    File = 2,
}

/// <summary>A request to send a message.</summary>
/// <param name="MessageId">Given by the caller, so that a repeated call does no harm.</param>
/// <param name="Receiver">Whom it is meant for. All members see it.</param>
/// <param name="MayBeRepeated">The client has chosen the id, and may send it again; else it is new for certain.</param>
[GenerateSerializer, Immutable, Alias("vc.NewMessage")]
public sealed record NewMessage(
    [property: Id(0)] Guid MessageId,
    [property: Id(1)] ChatUser Sender,
    [property: Id(2)] ChatUser? Receiver,
    [property: Id(3)] ChatMessageType Type,
    [property: Id(4)] string Text,
    [property: Id(5)] bool MayBeRepeated = false);

/// <summary>A message as all members see it.</summary>
/// <param name="Position">Counts the chat's messages from 1, without gaps: their one order.</param>
[GenerateSerializer, Immutable, Alias("vc.ChatMessage")]
public sealed record ChatMessage(
    [property: Id(0)] Guid Id,
    [property: Id(1)] long Position,
    [property: Id(2)] ChatUser Sender,
    [property: Id(3)] ChatUser? Receiver,
    [property: Id(4)] ChatMessageType Type,
    [property: Id(5)] string Text,
    [property: Id(6)] DateTimeOffset SentAt,
    [property: Id(7)] ChatAttachment[] Attachments,
    [property: Id(8)] ChatReaction[] Reactions);

/// <summary>Something that lies elsewhere and belongs to a message.</summary>
/// <param name="Type">In the client's words, such as image, document or file.</param>
/// <param name="Url">Where it lies: http or https.</param>
/// <param name="Size">Bytes, as the client says.</param>
[GenerateSerializer, Immutable, Alias("vc.ChatAttachment")]
public sealed record ChatAttachment(
    [property: Id(0)] Guid Id,
    [property: Id(1)] string Type,
    [property: Id(2)] string Url,
    [property: Id(3)] string? Name,
    [property: Id(4)] long? Size,
    [property: Id(5)] string? MimeType);

/// <summary>A user's reaction; one of a kind a user and message.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatReaction")]
public sealed record ChatReaction([property: Id(0)] ChatUser User, [property: Id(1)] string Type, [property: Id(2)] DateTimeOffset At);

/// <summary>Which messages: the newest, those just before a message, or those just after one.</summary>
[GenerateSerializer, Immutable, Alias("vc.MessagePageRequest")]
public sealed record MessagePageRequest([property: Id(0)] Guid? Before, [property: Id(1)] Guid? After, [property: Id(2)] int Limit);

/// <summary>Messages, oldest first.</summary>
/// <param name="HasMore">Whether there are more in the direction that was asked for.</param>
[GenerateSerializer, Immutable, Alias("vc.ChatMessagePage")]
public sealed record ChatMessagePage([property: Id(0)] ChatMessage[] Messages, [property: Id(1)] bool HasMore);

/// <summary>What a chat holds.</summary>
/// <param name="TextBytes">Of all messages' texts, UTF-8.</param>
[GenerateSerializer, Immutable, Alias("vc.ChatUsage")]
public sealed record ChatUsage(
    [property: Id(0)] ChatInfo Chat,
    [property: Id(1)] long Messages,
    [property: Id(2)] long Attachments,
    [property: Id(3)] long Reactions,
    [property: Id(4)] long TextBytes,
    [property: Id(5)] DateTimeOffset? LastMessageAt);
