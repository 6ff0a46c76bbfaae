namespace VoiceCluster.Abstractions.Rooms;

/// <summary>Something that happened in a room.</summary>
/// <param name="Sequence">Counts up by one within the room's activation.</param>
[GenerateSerializer, Immutable, Alias("vc.RoomEvent")]
public abstract record RoomEvent([property: Id(0)] long Sequence);

[GenerateSerializer, Immutable, Alias("vc.ParticipantJoined")]
public sealed record ParticipantJoined(long Sequence, [property: Id(0)] ParticipantInfo Participant) : RoomEvent(Sequence);

[GenerateSerializer, Immutable, Alias("vc.ParticipantLeft")]
public sealed record ParticipantLeft(long Sequence, [property: Id(0)] string ParticipantId, [property: Id(1)] LeaveReason Reason) : RoomEvent(Sequence);

[GenerateSerializer, Immutable, Alias("vc.ParticipantUpdated")]
public sealed record ParticipantUpdated(long Sequence, [property: Id(0)] ParticipantInfo Participant) : RoomEvent(Sequence);

[GenerateSerializer, Immutable, Alias("vc.ProducerAdded")]
public sealed record ProducerAdded(long Sequence, [property: Id(0)] ProducerInfo Producer) : RoomEvent(Sequence);

[GenerateSerializer, Immutable, Alias("vc.ProducerUpdated")]
public sealed record ProducerUpdated(long Sequence, [property: Id(0)] ProducerInfo Producer) : RoomEvent(Sequence);

[GenerateSerializer, Immutable, Alias("vc.ProducerRemoved")]
public sealed record ProducerRemoved(long Sequence, [property: Id(0)] string ProducerId, [property: Id(1)] string ParticipantId) : RoomEvent(Sequence);

/// <summary>Who speaks now, loudest first; an empty list means silence.</summary>
[GenerateSerializer, Immutable, Alias("vc.SpeakersChanged")]
public sealed record SpeakersChanged(long Sequence, [property: Id(0)] Speaker[] Speakers) : RoomEvent(Sequence);

/// <summary>
/// Who began and who ended speaking, each once: start within 100 ms of the voice, stop 400 ms after it. A participant that
/// leaves or is muted while it speaks has stopped.
/// </summary>
[GenerateSerializer, Immutable, Alias("vc.SpeakingChanged")]
public sealed record SpeakingChanged(long Sequence, [property: Id(0)] string[] Started, [property: Id(1)] string[] Stopped) : RoomEvent(Sequence);

/// <summary>A speaker and its level in dBov, −127 (silent) to 0 (loudest), RFC 6464.</summary>
[GenerateSerializer, Immutable, Alias("vc.Speaker")]
public sealed record Speaker([property: Id(0)] string ParticipantId, [property: Id(1)] int Level);

/// <summary>The participant's transports are gone with their media node: make new ones. Membership is unchanged.</summary>
/// <param name="ParticipantIds">Whose; nobody else is sent the event, but <see cref="OthersMediaMoved"/>. Null: all.</param>
/// <param name="Producers">What is left of the room, on other nodes: the participant consumes it anew. Null: nothing.</param>
[GenerateSerializer, Immutable, Alias("vc.MediaMoved")]
public sealed record MediaMoved(
    long Sequence,
    [property: Id(0)] string RtpCapabilitiesJson,
    [property: Id(1)] string[]? ParticipantIds = null,
    [property: Id(2)] ProducerInfo[]? Producers = null) : RoomEvent(Sequence);

/// <summary>In place of <see cref="MediaMoved"/> for those whose media stays where it is.</summary>
[GenerateSerializer, Immutable, Alias("vc.OthersMediaMoved")]
public sealed record OthersMediaMoved(long Sequence) : RoomEvent(Sequence);

/// <summary>The receiving participant itself was removed from the room: its door closes the session.</summary>
[GenerateSerializer, Immutable, Alias("vc.Evicted")]
public sealed record Evicted(long Sequence, [property: Id(0)] LeaveReason Reason) : RoomEvent(Sequence);
