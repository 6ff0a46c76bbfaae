using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Abstractions.Peers;

/// <summary>A peer's place in a room.</summary>
/// <param name="PeerId">As the client names itself.</param>
/// <param name="UserText">The user as other doors show it, see <see cref="JoinRoom.UserText"/>.</param>
[GenerateSerializer, Immutable, Alias("vc.PeerInfo")]
public sealed record PeerInfo(
    [property: Id(0)] string PeerId,
    [property: Id(1)] Guid UserId,
    [property: Id(2)] string UserText,
    [property: Id(3)] string DisplayName,
    [property: Id(4)] string Room);

/// <summary>A track of another participant, which the server offers in a section of its own.</summary>
/// <param name="Mid">The section.</param>
/// <param name="ProducerId">What it carries; null when that has ended and the section is free.</param>
/// <param name="Owner">Whose it is; null like the producer.</param>
/// <param name="SentJson">mediasoup's RtpParameters of what the server sends; null before the section's format is known.</param>
[GenerateSerializer, Immutable, Alias("vc.PeerTrack")]
public sealed record PeerTrack(
    [property: Id(0)] string Mid,
    [property: Id(1)] MediaKind Kind,
    [property: Id(2)] string? ProducerId,
    [property: Id(3)] ParticipantInfo? Owner,
    [property: Id(4)] string? SentJson);

/// <summary>The format of a track's section, as the client's own description allows it.</summary>
/// <param name="ReceiveJson">mediasoup's RtpParameters without encodings; null when the client takes nothing of the kind.</param>
[GenerateSerializer, Immutable, Alias("vc.PeerTrackFormat")]
public sealed record PeerTrackFormat([property: Id(0)] string Mid, [property: Id(1)] string? ReceiveJson);

/// <summary>What a client says to one section of the server's offer.</summary>
/// <param name="ProducerId">What the section was meant for; null when it was free.</param>
/// <param name="WasFormed">Whether it was offered as that. One whose format was not known yet was offered inactive, and says nothing of its producer.</param>
[GenerateSerializer, Immutable, Alias("vc.PeerTrackAnswer")]
public sealed record PeerTrackAnswer(
    [property: Id(0)] string Mid, [property: Id(1)] string? ProducerId, [property: Id(2)] bool IsAccepted, [property: Id(3)] bool WasFormed = true);

/// <summary>What was negotiated with a peer, and what should be.</summary>
/// <param name="ClientSdp">The client's last offer.</param>
/// <param name="Media">The answer to it.</param>
/// <param name="Tracks">The server's own sections, in the order in which they were first offered.</param>
/// <param name="Version">Grows with each offer of the client, which makes one of the server obsolete that is not answered yet.</param>
/// <param name="NeedsOffer">Whether the client has not yet been told, and agreed, how the tracks are.</param>
/// <param name="HasNews">Whether an offer would tell it now: formats are known of something that it does not know.</param>
[GenerateSerializer, Immutable, Alias("vc.PeerNegotiation")]
public sealed record PeerNegotiation(
    [property: Id(0)] PeerInfo Peer,
    [property: Id(1)] string ClientSdp,
    [property: Id(2)] MediaAnswered Media,
    [property: Id(3)] PeerTrack[] Tracks,
    [property: Id(4)] long Version,
    [property: Id(5)] bool NeedsOffer,
    [property: Id(6)] bool HasNews);

/// <summary>Something that a peer's connection is told.</summary>
[GenerateSerializer, Immutable, Alias("vc.PeerNotice")]
public abstract record PeerNotice;

/// <summary>What should flow has changed, or was negotiated anew by the client: look at it.</summary>
[GenerateSerializer, Immutable, Alias("vc.PeerChanged")]
public sealed record PeerChangedNotice : PeerNotice;

/// <summary>Who is in the room, sent when a connection opens and after lost events.</summary>
[GenerateSerializer, Immutable, Alias("vc.PeerRoom")]
public sealed record PeerRoomNotice([property: Id(0)] string Room, [property: Id(1)] ParticipantInfo[] Participants) : PeerNotice;

/// <summary>An event of the room.</summary>
[GenerateSerializer, Immutable, Alias("vc.PeerRoomEvent")]
public sealed record PeerRoomEventNotice([property: Id(0)] RoomEvent Event, [property: Id(1)] ParticipantInfo? Participant) : PeerNotice;

/// <summary>The peer is out of its room. A new offer joins again.</summary>
[GenerateSerializer, Immutable, Alias("vc.PeerLeft")]
public sealed record PeerLeftNotice([property: Id(0)] string Room, [property: Id(1)] LeaveReason Reason) : PeerNotice;

/// <summary>The peer's transport is gone with its media node: a new offer brings the media back.</summary>
[GenerateSerializer, Immutable, Alias("vc.PeerMediaMoved")]
public sealed record PeerMediaMovedNotice : PeerNotice;

/// <summary>Another connection of the same peer has taken over.</summary>
[GenerateSerializer, Immutable, Alias("vc.PeerReplaced")]
public sealed record PeerReplacedNotice : PeerNotice;
