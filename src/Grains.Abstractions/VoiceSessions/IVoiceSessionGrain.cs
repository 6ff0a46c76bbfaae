namespace VoiceCluster.Abstractions.VoiceSessions;

/// <summary>
/// One voice session, keyed by its id: one user's presence in one channel, and the one transport that carries its voice and
/// what it hears. It is the participant in the channel's room, so that no door needs to hold a connection for it.
/// Asked for another user's session it answers as if there were none: NotFound.
/// </summary>
[Alias("vc.IVoiceSessionGrain")]
public interface IVoiceSessionGrain : IGrainWithGuidKey
{
    /// <summary>Joins the channel's room and makes the transport. Called by the user's grain, which has one session at a time.</summary>
    Task<Outcome<VoiceSessionJoined>> JoinAsync(JoinVoice request);

    /// <summary>The session.</summary>
    Task<Outcome<VoiceSessionInfo>> GetAsync(Guid userId);

    /// <summary>The session with everybody in its channel.</summary>
    Task<Outcome<VoiceStateNotice>> GetChannelAsync(Guid userId);

    /// <summary>Mutes or deafens; what is null stays as it is.</summary>
    Task<Outcome<VoiceSessionInfo>> SetStateAsync(Guid userId, bool? mute, bool? deaf);

    /// <summary>
    /// Makes the media as an offer asks for it: closes what it has no more, makes what is new, keeps the rest. The same offer
    /// again changes nothing and is answered as before.
    /// </summary>
    Task<Outcome<MediaAnswered>> NegotiateAsync(Guid userId, MediaOffered offer);

    /// <summary>The user leaves.</summary>
    Task<Outcome<Done>> LeaveAsync(Guid userId);

    /// <summary>Ends the session, whatever its user wants. Ending one that is over is no error.</summary>
    Task EndAsync(Rooms.LeaveReason reason);
}
