using System.Text.Json;
using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Signaling;

/// <summary>Somebody in the room.</summary>
internal sealed record RoomMemberAnswer(string ParticipantId, string? UserId, string Name, string Door, bool Muted, bool Deafened)
{
    public static RoomMemberAnswer Of(ParticipantInfo participant) => new(
        participant.ParticipantId,
        PeerSignaling.TextOf(participant),
        participant.DisplayName,
        participant.Door,
        participant.Muted,
        participant.Deafened);
}

/// <summary>What is said over <c>/ws</c>: descriptions as they are, everything else as <c>{"type","data"}</c>.</summary>
internal static class PeerSocketMessage
{
    /// <summary>The last message of a server that stops.</summary>
    public static byte[] Restart { get; } = """{"type":"server_restart","data":{"message":"This server stops. Connect again."}}"""u8.ToArray();

    /// <summary>The answer to a ping.</summary>
    public static byte[] Pong { get; } = """{"type":"pong"}"""u8.ToArray();

    public static byte[] Write(DescriptionAnswer description) => JsonSerializer.SerializeToUtf8Bytes(description, PeerJson.Options);

    /// <summary>An error: the envelope with a type.</summary>
    public static byte[] Write(PeerError error) =>
        JsonSerializer.SerializeToUtf8Bytes(new { Type = "error", error.Status, error.Message, Data = (object?)null }, PeerJson.Options);

    /// <summary>A notice, or null for what the client is not told.</summary>
    public static byte[]? Write(PeerNotice notice) => notice switch
    {
        PeerRoomNotice room => Write("room", new { room.Room, Participants = room.Participants.Select(RoomMemberAnswer.Of) }),
        PeerLeftNotice left => Write("left", new { left.Room, Reason = NameOf(left.Reason) }),
        PeerMediaMovedNotice => Write("media-moved", new { }),
        PeerRoomEventNotice { Event: ParticipantJoined, Participant: { } participant } => Write("peer-joined", RoomMemberAnswer.Of(participant)),
        PeerRoomEventNotice { Event: ParticipantUpdated, Participant: { } participant } => Write("peer-updated", RoomMemberAnswer.Of(participant)),
        PeerRoomEventNotice { Event: ParticipantLeft left, Participant: { } participant } =>
            Write("peer-left", new { participant.ParticipantId, UserId = PeerSignaling.TextOf(participant), Reason = NameOf(left.Reason) }),
        PeerRoomEventNotice { Event: SpeakersChanged speakers } =>
            Write("active-speakers", speakers.Speakers.Select(s => new { s.ParticipantId, s.Level })),
        _ => null,
    };

    private static string NameOf(LeaveReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());

    private static byte[] Write<T>(string type, T data) => JsonSerializer.SerializeToUtf8Bytes(new { Type = type, Data = data }, PeerJson.Options);
}
