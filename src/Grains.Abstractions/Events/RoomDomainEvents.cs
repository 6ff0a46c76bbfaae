using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Abstractions.Events;

/// <summary>A change of a room. The key is the room's name.</summary>
/// <param name="Room">The room's name.</param>
/// <param name="Epoch">Grows when the room is taken over by another silo or made anew.</param>
/// <param name="Sequence">Counts up by one within the epoch, from 1: a gap tells a consumer that it missed something.</param>
[GenerateSerializer, Immutable, Alias("vc.RoomDomainEvent")]
public abstract record RoomDomainEvent(
    Guid Id,
    string Type,
    DateTimeOffset Time,
    [property: Id(0)] string Room,
    [property: Id(1)] long Epoch,
    [property: Id(2)] long Sequence)
    : DomainEvent(Id, Type, Room, Time);

/// <summary>The room begins an epoch. Whatever a consumer knows of earlier epochs is void: these are its participants.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomOpenedEvent")]
public sealed record RoomOpenedEvent(
    Guid Id, DateTimeOffset Time, string Room, long Epoch, long Sequence, [property: Id(0)] ParticipantInfo[] Participants)
    : RoomDomainEvent(Id, EventTypes.RoomOpened, Time, Room, Epoch, Sequence);

/// <summary>Nobody is in the room any more.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomClosedEvent")]
public sealed record RoomClosedEvent(Guid Id, DateTimeOffset Time, string Room, long Epoch, long Sequence)
    : RoomDomainEvent(Id, EventTypes.RoomClosed, Time, Room, Epoch, Sequence);

/// <summary>The room's media is on another node now.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomMediaMovedEvent")]
public sealed record RoomMediaMovedEvent(
    Guid Id, DateTimeOffset Time, string Room, long Epoch, long Sequence, [property: Id(0)] string? MediaNode)
    : RoomDomainEvent(Id, EventTypes.RoomMediaMoved, Time, Room, Epoch, Sequence);

/// <summary>A participant joined, or was muted, unmuted, deafened or undeafened.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomParticipantEvent")]
public sealed record RoomParticipantEvent(
    Guid Id, string Type, DateTimeOffset Time, string Room, long Epoch, long Sequence, [property: Id(0)] ParticipantInfo Participant)
    : RoomDomainEvent(Id, Type, Time, Room, Epoch, Sequence);

/// <summary>A participant is no longer in the room.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomParticipantLeftEvent")]
public sealed record RoomParticipantLeftEvent(
    Guid Id,
    DateTimeOffset Time,
    string Room,
    long Epoch,
    long Sequence,
    [property: Id(0)] ParticipantInfo Participant,
    [property: Id(1)] LeaveReason Reason)
    : RoomDomainEvent(Id, EventTypes.RoomParticipantLeft, Time, Room, Epoch, Sequence);

/// <summary>A participant's track began, or was paused or resumed by its client.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomProducerEvent")]
public sealed record RoomProducerEvent(
    Guid Id,
    string Type,
    DateTimeOffset Time,
    string Room,
    long Epoch,
    long Sequence,
    [property: Id(0)] ProducerInfo Producer,
    [property: Id(1)] Guid? UserId)
    : RoomDomainEvent(Id, Type, Time, Room, Epoch, Sequence);

/// <summary>A participant's track ended.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomProducerRemovedEvent")]
public sealed record RoomProducerRemovedEvent(
    Guid Id,
    DateTimeOffset Time,
    string Room,
    long Epoch,
    long Sequence,
    [property: Id(0)] string ProducerId,
    [property: Id(1)] string ParticipantId,
    [property: Id(2)] Guid? UserId)
    : RoomDomainEvent(Id, EventTypes.RoomProducerRemoved, Time, Room, Epoch, Sequence);

/// <summary>Who speaks in the room now, loudest first. Transient.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomSpeakersEvent")]
public sealed record RoomSpeakersEvent(
    Guid Id,
    DateTimeOffset Time,
    [property: Id(0)] string Room,
    [property: Id(1)] long Epoch,
    [property: Id(2)] RoomSpeaker[] Speakers)
    : DomainEvent(Id, EventTypes.RoomSpeakersChanged, Room, Time);

/// <summary>A participant began or ceased to speak. Transient.</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomSpeakingEvent")]
public sealed record RoomSpeakingEvent(
    Guid Id,
    string Type,
    DateTimeOffset Time,
    [property: Id(0)] string Room,
    [property: Id(1)] long Epoch,
    [property: Id(2)] string ParticipantId,
    [property: Id(3)] Guid? UserId)
    : DomainEvent(Id, Type, Room, Time);

/// <summary>A speaker and its level in dBov, −127 (silent) to 0 (loudest).</summary>
[GenerateSerializer, Immutable, Alias("vc.RoomSpeaker")]
public sealed record RoomSpeaker([property: Id(0)] string ParticipantId, [property: Id(1)] Guid? UserId, [property: Id(2)] int Level);
