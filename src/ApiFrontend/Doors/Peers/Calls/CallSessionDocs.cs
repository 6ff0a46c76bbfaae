using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Calls;

/// <summary>The routes of call sessions in the OpenAPI document.</summary>
internal static class CallSessionDocs
{
    private const string Data = $$"""
        {"id":"{{PeersDocs.Call}}","creatorId":"user123","type":"video","quality":100,"duration":3600000000000,"status":"active","endReason":null,
        "room":"{{PeersDocs.Call}}","createdAt":"2024-01-29T10:00:00Z","expiresAt":"2024-01-29T11:00:00Z","endedAt":null,"recordingId":null,
        "participants":[{"id":"user123","role":"host","muted":false,"quality":100,"joinedAt":"2024-01-29T10:00:00Z"}]}
        """;

    private const string RecordingData = $$"""
        {"id":"{{PeersDocs.Recording}}","sessionId":"{{PeersDocs.Call}}","status":"stopped","startedBy":"user123","createdAt":"2024-01-29T10:01:00Z",
        "startedAt":"2024-01-29T10:01:00Z","endedAt":"2024-01-29T10:02:00Z","error":null,
        "files":[{"name":"mix.ogg","kind":"mix","participantId":null,"contentType":"audio/ogg","size":240000,"duration":60000000000,
        "startedAt":"2024-01-29T10:01:00Z","complete":true,"url":"/call/recordings/{{PeersDocs.Call}}/{{PeersDocs.Recording}}/mix.ogg"}]}
        """;

    public static RouteDocs Create { get; } = PeersDocs.Of("createCallSession", "Create a call session")
        .About("The creator is its host. Its media is a room: offer with /offer?room= and the session's room, or join it by any other door.")
        .Body<CallSessionBody>("""{"creatorId":"user123","type":"video","quality":"high","duration":3600000000000}""")
        .Answer<Envelope<CallSessionAnswer>>(200, "The session.", PeersDocs.Wrap("call session created successfully", Data))
        .Error(400, "INVALID", "type must be video or audio")
        .Error(403, "FORBIDDEN", "creatorId is not the token's user");

    public static RouteDocs Get { get; } = OfCall("getCallSession", "A call session with its participants")
        .Path("sessionId", "The session.", PeersDocs.Call)
        .Query("userID", "Who reads, in Open mode.", "user123")
        .Answer<Envelope<CallSessionAnswer>>(200, "The session.", PeersDocs.Wrap("call session retrieved successfully", Data));

    public static RouteDocs Join { get; } = Change("joinCallSession", "Join a call session", "joined call successfully")
        .About("Whoever has the id may join, but for those who were put out.")
        .Body<ParticipantBody>($$"""{"sessionId":"{{PeersDocs.Call}}","participantId":"user456"}""")
        .Error(409, "FULL", "The call is full: 200 participants.");

    public static RouteDocs Leave { get; } = Change("leaveCallSession", "Leave a call session", "left call successfully")
        .About("A host hands over to the eldest moderator, else participant. With the last one the session ends.")
        .Body<ParticipantBody>($$"""{"sessionId":"{{PeersDocs.Call}}","participantId":"user456"}""");

    public static RouteDocs Mute { get; } = Change("muteInCallSession", "Mute or unmute", "mute state updated successfully")
        .About("Oneself, or as host or moderator somebody of a lower role. The media node enforces it.")
        .Body<MuteBody>($$"""{"sessionId":"{{PeersDocs.Call}}","participantId":"user123","targetId":"user456","muted":true}""");

    public static RouteDocs Kick { get; } = Change("kickFromCallSession", "Put somebody out for good", "participant removed successfully")
        .Body<TargetBody>($$"""{"sessionId":"{{PeersDocs.Call}}","participantId":"user123","targetId":"user456"}""");

    public static RouteDocs Role { get; } = Change("setCallSessionRole", "Give a role", "role updated successfully")
        .About("By the host. A new host makes the old one a moderator.")
        .Body<RoleBody>($$"""{"sessionId":"{{PeersDocs.Call}}","participantId":"user123","targetId":"user456","role":"moderator"}""");

    public static RouteDocs Quality { get; } = Change("setCallSessionQuality", "Set what a participant receives", "quality updated successfully")
        .About("0 to 100: 0 is no video, the rest chooses the layers of others' video. The media node enforces it.")
        .Body<QualityBody>($$"""{"sessionId":"{{PeersDocs.Call}}","participantId":"user456","quality":85}""");

    public static RouteDocs StartRecording { get; } = OfCall("startCallRecording", "Start a recording")
        .About("By the host or a moderator, while somebody's media is in the room.")
        .Body<ParticipantBody>($$"""{"sessionId":"{{PeersDocs.Call}}","participantId":"user123"}""")
        .Answer<Envelope<RecordingAnswer>>(200, "The recording.", PeersDocs.Wrap("recording started successfully", RecordingData))
        .Error(409, "CONFLICT", "The call is being recorded already.")
        .Error(501, "NOT_SUPPORTED", "The media node cannot record.");

    public static RouteDocs StopRecording { get; } = OfCall("stopCallRecording", "Stop the recording")
        .Body<ParticipantBody>($$"""{"sessionId":"{{PeersDocs.Call}}","participantId":"user123"}""")
        .Answer<Envelope<RecordingAnswer>>(200, "The recording.", PeersDocs.Wrap("recording stopped successfully", RecordingData))
        .Error(409, "CONFLICT", "The call is not being recorded.");

    public static RouteDocs ListRecordings { get; } = OfCall("listCallRecordings", "The recordings of a session")
        .Path("sessionId", "The session.", PeersDocs.Call)
        .Query("userID", "Who reads, in Open mode.", "user123")
        .Answer<Envelope<RecordingAnswer[]>>(200, "All recordings, oldest first.", PeersDocs.Wrap("recordings retrieved successfully", $"[{RecordingData}]"));

    public static RouteDocs GetRecording { get; } = OfCall("getCallRecording", "A file of a recording")
        .About("Ranges are served (RFC 9110 §14).")
        .Path("sessionId", "The session.", PeersDocs.Call)
        .Path("recordingId", "The recording.", PeersDocs.Recording)
        .Path("name", "The file.", "mix.ogg")
        .Query("userID", "Who reads, in Open mode.", "user123")
        .Answer(200, "The file.", "audio/ogg", "OggS")
        .Answer(206, "The range.", "audio/ogg", "OggS")
        .Error(416, "RANGE", "the recording has no such range");

    public static RouteDocs DeleteRecording { get; } = OfCall("deleteCallRecording", "Delete a recording")
        .About("By the host, a moderator, who made the session or who started the recording; also after the session's end. Its files go with it.")
        .Path("sessionId", "The session.", PeersDocs.Call)
        .Path("recordingId", "The recording.", PeersDocs.Recording)
        .Query("userID", "Who deletes, in Open mode.", "user123")
        .Answer<EmptyEnvelope>(200, "It is gone.", PeersDocs.Wrap("recording deleted successfully", "null"))
        .Error(409, "CONFLICT", "The recording runs. Stop it first.");

    private static RouteDocs OfCall(string id, string summary) => PeersDocs.OfExisting(id, summary, "call");

    private static RouteDocs Change(string id, string summary, string message) =>
        OfCall(id, summary).Answer<Envelope<CallSessionAnswer>>(200, "The session.", PeersDocs.Wrap(message, Data));

    private sealed record CallSessionBody(
        string? CreatorId = null,
        [property: AllowedValues("video", "audio")] string? Type = null,
        [property: Description("0 to 100, or low, medium, high.")] object? Quality = null,
        [property: Description("Nanoseconds.")] long? Duration = null);

    private sealed record ParticipantBody(string SessionId, string? ParticipantId = null);

    private sealed record MuteBody(string SessionId, string? ParticipantId = null, string? TargetId = null, bool? Muted = null);

    private sealed record TargetBody(string SessionId, string TargetId, string? ParticipantId = null);

    private sealed record RoleBody(
        string SessionId,
        string TargetId,
        [property: AllowedValues("host", "moderator", "participant")] string Role,
        string? ParticipantId = null);

    private sealed record QualityBody(string SessionId, int Quality, string? ParticipantId = null, string? TargetId = null);
}
