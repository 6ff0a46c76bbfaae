using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.ApiFrontend.Doors.Peers.Signaling;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Calls;

/// <summary>A participant.</summary>
internal sealed record CallParticipantAnswer(string Id, string Role, bool Muted, int Quality, DateTime JoinedAt)
{
    public static CallParticipantAnswer Of(CallParticipant participant) => new(
        participant.User.Text, CallWords.Of(participant.Role), participant.Muted, participant.Quality, PeerJson.Time(participant.JoinedAt));
}

/// <summary>A call session.</summary>
/// <param name="Room">What <c>/offer?room=</c> takes to be in it.</param>
/// <param name="Quality">0 to 100: what those who join receive at first.</param>
/// <param name="RecordingId">The recording that runs.</param>
internal sealed record CallSessionAnswer(
    string Id,
    string CreatorId,
    string Type,
    int Quality,
    long Duration,
    string Status,
    string? EndReason,
    string Room,
    DateTime CreatedAt,
    DateTime ExpiresAt,
    DateTime? EndedAt,
    string? RecordingId,
    CallParticipantAnswer[] Participants)
{
    private const long NanosecondsPerTick = 100;

    public static CallSessionAnswer Of(CallSessionInfo session) => new(
        PeerIds.Write(PeerIds.Call, session.Id),
        session.Creator.Text,
        session.Type.ToString().ToLowerInvariant(),
        session.Quality,
        (session.ExpiresAt - session.CreatedAt).Ticks * NanosecondsPerTick,
        session.IsOver ? "ended" : "active",
        session.EndReason?.ToString().ToLowerInvariant(),
        session.Room,
        PeerJson.Time(session.CreatedAt),
        PeerJson.Time(session.ExpiresAt),
        session.EndedAt is { } ended ? PeerJson.Time(ended) : null,
        session.ActiveRecording is { } recording ? PeerIds.Write(PeerIds.Recording, recording) : null,
        [.. session.Participants.Select(CallParticipantAnswer.Of)]);
}

/// <summary>A file of a recording.</summary>
/// <param name="Kind">audio (one participant), mix or video.</param>
/// <param name="Duration">Nanoseconds.</param>
/// <param name="Url">Where it is served, with ranges.</param>
internal sealed record RecordingFileAnswer(
    string Name, string Kind, string? ParticipantId, string ContentType, long Size, long Duration, DateTime StartedAt, bool Complete, string Url);

/// <summary>A recording.</summary>
internal sealed record RecordingAnswer(
    string Id,
    string SessionId,
    string Status,
    string StartedBy,
    DateTime CreatedAt,
    DateTime? StartedAt,
    DateTime? EndedAt,
    string? Error,
    RecordingFileAnswer[] Files)
{
    private const long NanosecondsPerTick = 100;

    public static RecordingAnswer Of(RecordingInfo recording)
    {
        var id = PeerIds.Write(PeerIds.Recording, recording.Id);
        var session = PeerIds.Write(PeerIds.Call, recording.CallId);
        return new RecordingAnswer(
            id,
            session,
            recording.Status.ToString().ToLowerInvariant(),
            recording.StartedByText,
            PeerJson.Time(recording.CreatedAt),
            recording.StartedAt is { } started ? PeerJson.Time(started) : null,
            recording.EndedAt is { } ended ? PeerJson.Time(ended) : null,
            recording.Error,
            [.. recording.Files.Select(f => new RecordingFileAnswer(
                f.Name,
                f.Kind.ToString().ToLowerInvariant(),
                PeerSignaling.TextOf(f.UserText),
                f.ContentType,
                f.Size,
                f.Duration.Ticks * NanosecondsPerTick,
                PeerJson.Time(f.StartedAt),
                f.IsComplete,
                $"/call/recordings/{session}/{id}/{f.Name}"))]);
    }
}

/// <summary>The words of this door for what the grains know by enumerations.</summary>
internal static class CallWords
{
    public static string Of(CallRole role) => role.ToString().ToLowerInvariant();

    public static bool TryReadRole(string? text, out CallRole role)
    {
        role = text switch
        {
            "participant" => CallRole.Participant,
            "moderator" => CallRole.Moderator,
            "host" => CallRole.Host,
            _ => (CallRole)(-1),
        };
        return role >= CallRole.Participant;
    }

    public static bool TryReadType(string? text, out CallSessionType type)
    {
        type = text switch
        {
            "video" => CallSessionType.Video,
            "audio" or "voice" => CallSessionType.Audio,
            _ => (CallSessionType)(-1),
        };
        return type >= CallSessionType.Audio;
    }

    /// <summary>A quality in a word; numbers are 0 to 100.</summary>
    public static int? QualityOf(string? word) => word switch
    {
        "low" => 25,
        "medium" => 60,
        "high" or "auto" => 100,
        _ => null,
    };
}
