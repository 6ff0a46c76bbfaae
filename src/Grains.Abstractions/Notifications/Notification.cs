using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.Abstractions.Notifications;

/// <summary>Something that a user is told.</summary>
[GenerateSerializer, Immutable, Alias("vc.Notification")]
public abstract record Notification;

/// <summary>A chat that the user is a member of was made.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatCreatedNotification")]
public sealed record ChatCreatedNotification([property: Id(0)] ChatInfo Chat) : Notification;

/// <summary>Somebody was added to a chat; the user itself included.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatJoinedNotification")]
public sealed record ChatJoinedNotification([property: Id(0)] Guid ChatId, [property: Id(1)] ChatUser User) : Notification;

/// <summary>A message came; also to its sender, who may have other devices.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatMessageNotification")]
public sealed record ChatMessageNotification([property: Id(0)] Guid ChatId, [property: Id(1)] ChatMessage Message) : Notification;

/// <summary>A message was given an attachment.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatAttachmentNotification")]
public sealed record ChatAttachmentNotification(
    [property: Id(0)] Guid ChatId, [property: Id(1)] Guid MessageId, [property: Id(2)] ChatAttachment Attachment) : Notification;

/// <summary>Somebody reacted, or took a reaction back.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatReactionNotification")]
public sealed record ChatReactionNotification(
    [property: Id(0)] Guid ChatId,
    [property: Id(1)] Guid MessageId,
    [property: Id(2)] ChatReaction Reaction,
    [property: Id(3)] bool IsRemoved) : Notification;

/// <summary>A call session that the user has a part in changed.</summary>
/// <param name="Change">What happened.</param>
/// <param name="User">Whom it happened to; null when to all.</param>
[GenerateSerializer, Immutable, Alias("vc.CallSessionNotification")]
public sealed record CallSessionNotification(
    [property: Id(0)] CallSessionInfo Session, [property: Id(1)] CallSessionChange Change, [property: Id(2)] ChatUser? User) : Notification;
