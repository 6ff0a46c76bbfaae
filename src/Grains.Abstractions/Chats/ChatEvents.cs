using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Abstractions.Chats;

/// <summary>A chat was made. The key is the chat's id.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatCreatedEvent")]
public sealed record ChatCreatedEvent(
    Guid Id,
    DateTimeOffset Time,
    [property: Id(0)] Guid ChatId,
    [property: Id(1)] Guid CreatedBy,
    [property: Id(2)] Guid[] MemberIds)
    : DomainEvent(Id, EventTypes.ChatCreated, ChatId.ToString(), Time);

/// <summary>Somebody was added to a chat. The key is the chat's id, as of all events of chats.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatMemberJoinedEvent")]
public sealed record ChatMemberJoinedEvent(
    Guid Id,
    DateTimeOffset Time,
    [property: Id(0)] Guid ChatId,
    [property: Id(1)] Guid UserId,
    [property: Id(2)] Guid AddedBy)
    : DomainEvent(Id, EventTypes.ChatMemberJoined, ChatId.ToString(), Time);

/// <summary>A message was stored.</summary>
/// <param name="Position">Counts the chat's messages from 1, without gaps.</param>
[GenerateSerializer, Immutable, Alias("vc.ChatMessageCreatedEvent")]
public sealed record ChatMessageCreatedEvent(
    Guid Id,
    DateTimeOffset Time,
    [property: Id(0)] Guid ChatId,
    [property: Id(1)] Guid MessageId,
    [property: Id(2)] long Position,
    [property: Id(3)] Guid SenderId,
    [property: Id(4)] Guid? ReceiverId,
    [property: Id(5)] ChatMessageType MessageType,
    [property: Id(6)] string Text)
    : DomainEvent(Id, EventTypes.ChatMessageCreated, ChatId.ToString(), Time);

/// <summary>A message was given an attachment.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatAttachmentAddedEvent")]
public sealed record ChatAttachmentAddedEvent(
    Guid Id,
    DateTimeOffset Time,
    [property: Id(0)] Guid ChatId,
    [property: Id(1)] Guid MessageId,
    [property: Id(2)] Guid AttachmentId,
    [property: Id(3)] Guid AddedBy,
    [property: Id(4)] string AttachmentType,
    [property: Id(5)] string Url,
    [property: Id(6)] string? Name,
    [property: Id(7)] long? Size,
    [property: Id(8)] string? MimeType)
    : DomainEvent(Id, EventTypes.ChatAttachmentAdded, ChatId.ToString(), Time);

/// <summary>A user reacted to a message, or took a reaction back.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatReactionEvent")]
public sealed record ChatReactionEvent(
    Guid Id,
    string Type,
    DateTimeOffset Time,
    [property: Id(0)] Guid ChatId,
    [property: Id(1)] Guid MessageId,
    [property: Id(2)] Guid UserId,
    [property: Id(3)] string Reaction)
    : DomainEvent(Id, Type, ChatId.ToString(), Time);
