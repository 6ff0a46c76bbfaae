using Orleans.Concurrency;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Recordings;

namespace VoiceCluster.Abstractions.CallSessions;

/// <summary>
/// One call session, keyed by its id: who is in it, in which role, and its recordings. Its media is the room
/// <see cref="CallSessionInfo.RoomOf"/>, which asks here who may come in. Each method: NotFound for a session that does not
/// exist, Gone after its end, Forbidden for what the role does not allow.
/// </summary>
[Alias("vc.ICallSessionGrain")]
public interface ICallSessionGrain : IGrainWithGuidKey
{
    /// <summary>Makes the session.</summary>
    Task<Outcome<CallSessionInfo>> CreateAsync(NewCallSession request);

    /// <summary>The session; also after its end. With a user only for one who is or was in it.</summary>
    [AlwaysInterleave]
    Task<Outcome<CallSessionInfo>> GetAsync(Guid? userId);

    /// <summary>Joins. One who is in it stays as it is; one who was put out may not.</summary>
    Task<Outcome<CallSessionInfo>> JoinAsync(ChatUser user);

    /// <summary>Leaves. A host hands over to the eldest moderator, else participant; the last one ends the session.</summary>
    Task<Outcome<CallSessionInfo>> LeaveAsync(Guid userId);

    /// <summary>Mutes or unmutes oneself, or somebody of a lower role. The media node enforces it.</summary>
    Task<Outcome<CallSessionInfo>> SetMutedAsync(Guid byUserId, Guid userId, bool muted);

    /// <summary>Puts somebody of a lower role out, for good.</summary>
    Task<Outcome<CallSessionInfo>> KickAsync(Guid byUserId, Guid userId);

    /// <summary>Gives a role, by the host. A new host makes the old one a moderator.</summary>
    Task<Outcome<CallSessionInfo>> SetRoleAsync(Guid byUserId, Guid userId, CallRole role);

    /// <summary>Sets what a participant receives, 0 to 100, by itself or a higher role. The media node enforces it.</summary>
    Task<Outcome<CallSessionInfo>> SetQualityAsync(Guid byUserId, Guid userId, int quality);

    /// <summary>Records the session, by a moderator or the host. Conflict while another recording runs.</summary>
    Task<Outcome<RecordingInfo>> StartRecordingAsync(Guid byUserId);

    /// <summary>Ends the recording that runs. Conflict when none does.</summary>
    Task<Outcome<RecordingInfo>> StopRecordingAsync(Guid byUserId);

    /// <summary>All recordings, for one who is or was in the session; oldest first.</summary>
    Task<Outcome<RecordingInfo[]>> GetRecordingsAsync(Guid? userId);

    /// <summary>
    /// Deletes a recording, also after the session's end: by a moderator, the host, the session's creator, or who started it.
    /// Conflict while it runs. Answers what was deleted.
    /// </summary>
    Task<Outcome<RecordingInfo>> DeleteRecordingAsync(Guid byUserId, Guid recordingId);

    /// <summary>
    /// Whether the user may be in the session's room, and how: Forbidden for who has not joined. The room asks, so it calls no
    /// room and waits for nobody.
    /// </summary>
    [AlwaysInterleave]
    Task<Outcome<CallParticipant>> AdmitAsync(Guid userId);
}
