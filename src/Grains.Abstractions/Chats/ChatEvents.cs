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
