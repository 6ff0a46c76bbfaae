namespace VoiceCluster.Abstractions.Events;

/// <summary>
/// Every event that leaves the cluster. The type is the subject on the bus. Each has a schema in docs/schemas/events and
/// a row in docs/events.md; tests hold the three against each other.
/// </summary>
public static class EventTypes
{
    public const string CallRinging = "call.ringing";
    public const string CallAccepted = "call.accepted";
    public const string CallActive = "call.active";
    public const string CallEnded = "call.ended";
    public const string CallRejected = "call.rejected";
    public const string CallMissed = "call.missed";
    public const string CallBusy = "call.busy";
    public const string CallPartyJoined = "call.party.joined";
    public const string CallPartyLeft = "call.party.left";
    public const string CallPartyRejected = "call.party.rejected";
    public const string CallPartyMissed = "call.party.missed";

    public const string CallSessionCreated = "call.session.created";
    public const string CallSessionJoined = "call.session.joined";
    public const string CallSessionLeft = "call.session.left";
    public const string CallSessionUpdated = "call.session.updated";
    public const string CallSessionEnded = "call.session.ended";

    public const string RecordingStarted = "recording.started";
    public const string RecordingStopped = "recording.stopped";
    public const string RecordingFailed = "recording.failed";

    public const string ChatCreated = "chat.created";
    public const string ChatMemberJoined = "chat.member.joined";
    public const string ChatMessageCreated = "chat.message.created";
    public const string ChatAttachmentAdded = "chat.attachment.added";
    public const string ChatReactionAdded = "chat.reaction.added";
    public const string ChatReactionRemoved = "chat.reaction.removed";

    public const string RoomOpened = "room.opened";
    public const string RoomClosed = "room.closed";
    public const string RoomMediaMoved = "room.media.moved";
    public const string RoomParticipantJoined = "room.participant.joined";
    public const string RoomParticipantUpdated = "room.participant.updated";
    public const string RoomParticipantLeft = "room.participant.left";
    public const string RoomProducerAdded = "room.producer.added";
    public const string RoomProducerUpdated = "room.producer.updated";
    public const string RoomProducerRemoved = "room.producer.removed";
    public const string RoomSpeakersChanged = "room.speakers.changed";
    public const string RoomSpeakingStarted = "room.speaking.started";
    public const string RoomSpeakingStopped = "room.speaking.stopped";

    public const string MediaNodeJoined = "media.node.joined";
    public const string MediaNodeLeft = "media.node.left";
    public const string MediaNodeLost = "media.node.lost";

    public const string VoiceSessionCreated = "voice.session.created";
    public const string VoiceSessionUpdated = "voice.session.updated";
    public const string VoiceSessionEnded = "voice.session.ended";
    public const string VoiceSpeakingStarted = "voice.speaking.started";
    public const string VoiceSpeakingStopped = "voice.speaking.stopped";

    /// <summary>
    /// Events that are told while they are news, and dropped when the bus is away: who speaks changes many times a second.
    /// All others are durable.
    /// </summary>
    public static IReadOnlySet<string> Transient { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        RoomSpeakersChanged, RoomSpeakingStarted, RoomSpeakingStopped, VoiceSpeakingStarted, VoiceSpeakingStopped,
    };
}
