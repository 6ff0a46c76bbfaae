using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Abstractions.VoiceSessions;

/// <summary>A voice session as it is now.</summary>
[GenerateSerializer, Immutable, Alias("vc.VoiceSessionInfo")]
public sealed record VoiceSessionInfo(
    [property: Id(0)] Guid Id,
    [property: Id(1)] Guid UserId,
    [property: Id(2)] Guid ChannelId,
    [property: Id(3)] string DisplayName,
    [property: Id(4)] bool Muted,
    [property: Id(5)] bool Deafened,
    [property: Id(6)] DateTimeOffset CreatedAt);

/// <summary>A request to join.</summary>
/// <param name="SessionId">The new session's id, given by the caller, so that a repeated call does no harm.</param>
/// <param name="UserText">The user as other doors show it, see <see cref="JoinRoom.UserText"/>.</param>
[GenerateSerializer, Immutable, Alias("vc.JoinVoice")]
public sealed record JoinVoice(
    [property: Id(0)] Guid SessionId,
    [property: Id(1)] Guid UserId,
    [property: Id(2)] Guid ChannelId,
    [property: Id(3)] string DisplayName,
    [property: Id(4)] bool Muted,
    [property: Id(5)] bool Deafened,
    [property: Id(6)] string UserText);

/// <summary>The answer to a join, with mediasoup's description of the transport.</summary>
[GenerateSerializer, Immutable, Alias("vc.VoiceSessionJoined")]
public sealed record VoiceSessionJoined([property: Id(0)] VoiceSessionInfo Session, [property: Id(1)] string TransportJson);

/// <summary>What a client offers, as its door has read it.</summary>
/// <param name="Description">Names the client's connection: the id in its description.</param>
/// <param name="IceUsernameFragment">Another one is an ICE restart, or a new connection.</param>
/// <param name="DtlsParametersJson">Role and fingerprints in mediasoup's shape. Others are a new connection.</param>
/// <param name="Sections">The media sections that the door takes, in the client's order.</param>
[GenerateSerializer, Immutable, Alias("vc.MediaOffered")]
public sealed record MediaOffered(
    [property: Id(0)] string Description,
    [property: Id(1)] string IceUsernameFragment,
    [property: Id(2)] string DtlsParametersJson,
    [property: Id(3)] OfferedSection[] Sections);

/// <summary>One media section.</summary>
/// <param name="SendJson">mediasoup's RtpParameters of what the client sends, or null.</param>
/// <param name="ReceiveJson">The same without encodings of what it can receive, or null.</param>
[GenerateSerializer, Immutable, Alias("vc.OfferedSection")]
public sealed record OfferedSection(
    [property: Id(0)] string Mid,
    [property: Id(1)] string? SendJson,
    [property: Id(2)] string? ReceiveJson,
    [property: Id(3)] MediaKind Kind = MediaKind.Audio);

/// <summary>What was made of an offer.</summary>
/// <param name="TransportJson">mediasoup's description of the transport.</param>
/// <param name="IceParametersJson">Newer ICE parameters than the description's, after a restart; else null.</param>
/// <param name="Version">Grows with each answer.</param>
/// <param name="Sections">Of the sections that send or receive, in the order of the offer.</param>
[GenerateSerializer, Immutable, Alias("vc.MediaAnswered")]
public sealed record MediaAnswered(
    [property: Id(0)] string TransportJson,
    [property: Id(1)] string? IceParametersJson,
    [property: Id(2)] long Version,
    [property: Id(3)] AnsweredSection[] Sections);

/// <summary>One section as it is now.</summary>
/// <param name="IsReceived">Whether the server takes what the client sends.</param>
/// <param name="SentJson">mediasoup's RtpParameters of what the server sends, or null.</param>
[GenerateSerializer, Immutable, Alias("vc.AnsweredSection")]
public sealed record AnsweredSection(
    [property: Id(0)] string Mid, [property: Id(1)] bool IsReceived, [property: Id(2)] ConsumerSource? Source, [property: Id(3)] string? SentJson);

/// <summary>Something that a user's connections are told of the channel that its session is in.</summary>
[GenerateSerializer, Immutable, Alias("vc.VoiceNotice")]
public abstract record VoiceNotice;

/// <summary>The user's session and who is in its channel; both empty when the user is in none. Sent first, and after lost events.</summary>
[GenerateSerializer, Immutable, Alias("vc.VoiceState")]
public sealed record VoiceStateNotice(
    [property: Id(0)] VoiceSessionInfo? Session, [property: Id(1)] ParticipantInfo[] Participants, [property: Id(2)] string[] Speaking) : VoiceNotice;

/// <summary>What happened to a session.</summary>
[GenerateSerializer]
public enum VoiceChange
{
    Created = 0,
    Updated = 1,
    Ended = 2,
}

/// <summary>Somebody came to the channel, changed or left; the user itself included.</summary>
/// <param name="Reason">With Ended.</param>
[GenerateSerializer, Immutable, Alias("vc.VoiceChanged")]
public sealed record VoiceChangedNotice(
    [property: Id(0)] VoiceChange Change,
    [property: Id(1)] Guid ChannelId,
    [property: Id(2)] ParticipantInfo Participant,
    [property: Id(3)] LeaveReason? Reason) : VoiceNotice;

/// <summary>Somebody in the channel began or ended speaking.</summary>
[GenerateSerializer, Immutable, Alias("vc.VoiceSpeaking")]
public sealed record VoiceSpeakingNotice(
    [property: Id(0)] bool IsSpeaking, [property: Id(1)] Guid ChannelId, [property: Id(2)] ParticipantInfo Participant) : VoiceNotice;

/// <summary>The session's transport is gone with its media node: a new offer brings the media back.</summary>
[GenerateSerializer, Immutable, Alias("vc.VoiceMediaMoved")]
public sealed record VoiceMediaMovedNotice([property: Id(0)] Guid SessionId) : VoiceNotice;
