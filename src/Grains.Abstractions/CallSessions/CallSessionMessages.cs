using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.Abstractions.CallSessions;

/// <summary>What a participant may do.</summary>
[GenerateSerializer]
public enum CallRole
{
    /// <summary>Speak and hear, mute itself, leave.</summary>
    Participant = 0,

    /// <summary>Mute and remove participants, record.</summary>
    Moderator = 1,

    /// <summary>All that, also with moderators, and give roles. There is one host.</summary>
    Host = 2,
}

/// <summary>Whether a call session has pictures.</summary>
[GenerateSerializer]
public enum CallSessionType
{
    Audio = 0,
    Video = 1,
}

/// <summary>Why somebody is no longer in a call session, or it is over.</summary>
[GenerateSerializer]
public enum CallSessionEnd
{
    Left = 0,
    Kicked = 1,

    /// <summary>The last one left.</summary>
    Empty = 2,

    /// <summary>Its time is over.</summary>
    Expired = 3,
}

/// <summary>A request to make a call session. The creator is its host.</summary>
/// <param name="Quality">0 to 100: what those who join receive until they ask for something else.</param>
/// <param name="Duration">How long it may last; null for as long as any may.</param>
[GenerateSerializer, Immutable, Alias("vc.NewCallSession")]
public sealed record NewCallSession(
    [property: Id(0)] ChatUser Creator,
    [property: Id(1)] CallSessionType Type,
    [property: Id(2)] int Quality,
    [property: Id(3)] TimeSpan? Duration);

/// <summary>One who is in a call session.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallParticipant")]
public sealed record CallParticipant(
    [property: Id(0)] ChatUser User,
    [property: Id(1)] CallRole Role,
    [property: Id(2)] bool Muted,
    [property: Id(3)] int Quality,
    [property: Id(4)] DateTimeOffset JoinedAt);

/// <summary>A call session as it is now.</summary>
/// <param name="Kicked">Who may not come back.</param>
/// <param name="Recordings">All recordings, oldest first.</param>
/// <param name="EndReason">Why it is over; null while it lives.</param>
[GenerateSerializer, Immutable, Alias("vc.CallSessionInfo")]
public sealed record CallSessionInfo(
    [property: Id(0)] Guid Id,
    [property: Id(1)] ChatUser Creator,
    [property: Id(2)] CallSessionType Type,
    [property: Id(3)] int Quality,
    [property: Id(4)] DateTimeOffset CreatedAt,
    [property: Id(5)] DateTimeOffset ExpiresAt,
    [property: Id(6)] CallParticipant[] Participants,
    [property: Id(7)] Guid[] Kicked,
    [property: Id(8)] Guid[] Recordings,
    [property: Id(9)] Guid? ActiveRecording,
    [property: Id(10)] DateTimeOffset? EndedAt,
    [property: Id(11)] CallSessionEnd? EndReason)
{
    /// <summary>Whether nobody can join any more.</summary>
    public bool IsOver => EndedAt is not null;

    /// <summary>The name of the room that carries its media.</summary>
    public string Room => RoomOf(Id);

    /// <summary>The participant of a user, or null.</summary>
    public CallParticipant? Find(Guid userId) => Array.Find(Participants, p => p.User.UserId == userId);

    /// <summary>The name of the room of a call session: <c>call_</c> and the id without dashes.</summary>
    public static string RoomOf(Guid id) => $"call_{id:N}";
}

/// <summary>What a notification of a call session is about.</summary>
[GenerateSerializer]
public enum CallSessionChange
{
    Joined = 0,
    Left = 1,
    Kicked = 2,
    Muted = 3,
    Unmuted = 4,
    Role = 5,
    Quality = 6,
    RecordingStarted = 7,
    RecordingStopped = 8,
    Ended = 9,
    RecordingDeleted = 10,
}
