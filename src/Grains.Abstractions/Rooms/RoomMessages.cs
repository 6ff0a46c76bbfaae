namespace VoiceCluster.Abstractions.Rooms;

/// <summary>A track's kind, in mediasoup's words.</summary>
[GenerateSerializer]
public enum MediaKind
{
    Audio = 0,
    Video = 1,
}

/// <summary>Why a participant is no longer in a room.</summary>
[GenerateSerializer]
public enum LeaveReason
{
    /// <summary>The client asked for it.</summary>
    Left = 0,

    /// <summary>The client's connection ended and did not come back in time.</summary>
    ConnectionLost = 1,

    /// <summary>The door that held the connection went silent.</summary>
    DoorLost = 2,

    /// <summary>No ICE consent for 30 s on any transport; see <see cref="JoinRoom.EndsWithMedia"/>.</summary>
    MediaLost = 3,

    /// <summary>A moderator or a ban.</summary>
    Removed = 4,

    /// <summary>The same user joined again elsewhere.</summary>
    Moved = 5,

    /// <summary>The room or channel was ended.</summary>
    RoomClosed = 6,
}

/// <summary>A request to join.</summary>
/// <param name="ParticipantId">Unique in the room, chosen by the door; mediasoup's peerId.</param>
/// <param name="UserId">The user, a UUID.</param>
/// <param name="UserText">The id as the door's client wrote it (JSON text for mediasoup doors, for instance <c>1</c> or <c>"bob"</c>), shown back unchanged.</param>
/// <param name="DisplayName">A name for people.</param>
/// <param name="Door">Which door: voice, calls, channels, mediasoup, peers.</param>
/// <param name="EndsWithMedia">
/// The participant is only as present as its media: when no transport has had an ICE check for
/// <see cref="RoomLease.MediaExpiry"/>, or none was made, it leaves with <see cref="LeaveReason.MediaLost"/>.
/// </param>
/// <param name="RequiresChannel">The room must be that of a channel: without one NotFound.</param>
/// <param name="ResumeKey">What <see cref="ResumeRoom.ResumeKey"/> must be; null when nobody may take the participant over so.</param>
[GenerateSerializer, Immutable, Alias("vc.JoinRoom")]
public sealed record JoinRoom(
    [property: Id(0)] string ParticipantId,
    [property: Id(1)] Guid UserId,
    [property: Id(2)] string UserText,
    [property: Id(3)] string DisplayName,
    [property: Id(4)] string Door,
    [property: Id(5)] bool Muted = false,
    [property: Id(6)] bool Deafened = false,
    [property: Id(7)] bool EndsWithMedia = false,
    [property: Id(8)] bool RequiresChannel = false,
    [property: Id(9)] string? ResumeKey = null);

/// <summary>A client that comes back, perhaps through another process than the one that it joined by.</summary>
/// <param name="UserId">Must be the participant's user.</param>
/// <param name="ResumeKey">Must be that of the join. It is a digest of the client's secret: what a room stores lets nobody in.</param>
[GenerateSerializer, Immutable, Alias("vc.ResumeRoom")]
public sealed record ResumeRoom(
    [property: Id(0)] string ParticipantId,
    [property: Id(1)] Guid UserId,
    [property: Id(2)] string ResumeKey);

/// <summary>The answer to a join.</summary>
/// <param name="RtpCapabilitiesJson">The router's capabilities, mediasoup's RtpCapabilities.</param>
/// <param name="Room">The room as the new participant finds it, itself included.</param>
/// <param name="Resumed">True when the participant was present already.</param>
/// <param name="Transports">The participant's own transports that live; null in an old message.</param>
[GenerateSerializer, Immutable, Alias("vc.RoomJoined")]
public sealed record RoomJoined(
    [property: Id(0)] string RtpCapabilitiesJson,
    [property: Id(1)] RoomSnapshot Room,
    [property: Id(2)] bool Resumed,
    [property: Id(3)] string[]? Transports = null);

/// <summary>A room at one moment.</summary>
/// <param name="MediaNodeId">The node of participants that have none of their own.</param>
/// <param name="Speaking">The participants who speak now; null in an old message.</param>
/// <param name="MediaNodes">The node of each participant that has another; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("vc.RoomSnapshot")]
public sealed record RoomSnapshot(
    [property: Id(0)] string Name,
    [property: Id(1)] ParticipantInfo[] Participants,
    [property: Id(2)] ProducerInfo[] Producers,
    [property: Id(3)] string? MediaNodeId,
    [property: Id(4)] string[]? Speaking = null,
    [property: Id(5)] Dictionary<string, string>? MediaNodes = null)
{
    /// <summary>The media node of a participant.</summary>
    public string? NodeOf(string participantId) => MediaNodes?.GetValueOrDefault(participantId) ?? MediaNodeId;
}

/// <summary>One participant as others see it.</summary>
[GenerateSerializer, Immutable, Alias("vc.ParticipantInfo")]
public sealed record ParticipantInfo(
    [property: Id(0)] string ParticipantId,
    [property: Id(1)] Guid UserId,
    [property: Id(2)] string UserText,
    [property: Id(3)] string DisplayName,
    [property: Id(4)] string Door,
    [property: Id(5)] bool Muted,
    [property: Id(6)] bool Deafened);

/// <summary>One producer as others see it.</summary>
[GenerateSerializer, Immutable, Alias("vc.ProducerInfo")]
public sealed record ProducerInfo(
    [property: Id(0)] string ProducerId,
    [property: Id(1)] string ParticipantId,
    [property: Id(2)] MediaKind Kind,
    [property: Id(3)] bool Paused);

/// <summary>A new transport: <paramref name="DescriptionJson"/> is <c>{id, iceParameters, iceCandidates, dtlsParameters}</c>.</summary>
/// <param name="MediaNodeId">The node that it is on.</param>
[GenerateSerializer, Immutable, Alias("vc.TransportCreated")]
public sealed record TransportCreated(
    [property: Id(0)] string TransportId,
    [property: Id(1)] string DescriptionJson,
    [property: Id(2)] string? MediaNodeId = null);

/// <summary>A request to send a track.</summary>
[GenerateSerializer, Immutable, Alias("vc.ProduceRequest")]
public sealed record ProduceRequest(
    [property: Id(0)] string TransportId,
    [property: Id(1)] MediaKind Kind,
    [property: Id(2)] string RtpParametersJson,
    [property: Id(3)] bool Paused = false);

/// <summary>A request to receive a producer.</summary>
/// <param name="RtpCapabilitiesJson">What the client can receive; not read when <paramref name="NegotiatedRtpParametersJson"/> is given.</param>
/// <param name="NegotiatedRtpParametersJson">
/// What the client and the door agreed in SDP: mediasoup's RtpParameters without encodings, with the client's own payload
/// types and extension ids. Packets are rewritten to them. Null: the router's payload types and ids.
/// </param>
[GenerateSerializer, Immutable, Alias("vc.ConsumeRequest")]
public sealed record ConsumeRequest(
    [property: Id(0)] string TransportId,
    [property: Id(1)] string ProducerId,
    [property: Id(2)] string RtpCapabilitiesJson,
    [property: Id(3)] bool Paused = false,
    [property: Id(4)] string? NegotiatedRtpParametersJson = null);

/// <summary>
/// A request to receive the loudest speakers, each untouched, in as many slots as there are entries. A speaker keeps its slot
/// while it is among the loudest; who comes in takes the slot of who went out. The receiver's own voice is never among them.
/// All slots of one transport share the loudest between them, also when they were made by several requests.
/// </summary>
/// <param name="RtpParametersJson">For each slot what was agreed in SDP: mediasoup's RtpParameters without encodings.</param>
[GenerateSerializer, Immutable, Alias("vc.ConsumeLoudestRequest")]
public sealed record ConsumeLoudestRequest(
    [property: Id(0)] string TransportId,
    [property: Id(1)] string[] RtpParametersJson);

/// <summary>A request to receive all others mixed into one Opus stream.</summary>
/// <param name="RtpParametersJson">What was agreed in SDP: mediasoup's RtpParameters without encodings.</param>
[GenerateSerializer, Immutable, Alias("vc.ConsumeMixRequest")]
public sealed record ConsumeMixRequest(
    [property: Id(0)] string TransportId,
    [property: Id(1)] string RtpParametersJson);

/// <summary>Where a consumer's media comes from.</summary>
[GenerateSerializer]
public enum ConsumerSource
{
    /// <summary>One producer.</summary>
    Producer = 0,

    /// <summary>Whoever is among the loudest: a slot.</summary>
    Loudest = 1,

    /// <summary>All others, mixed.</summary>
    Mix = 2,
}

/// <summary>A new consumer, with mediasoup's RtpParameters for it.</summary>
/// <param name="ProducerId">Empty for a slot and for the mix, which have no one producer.</param>
[GenerateSerializer, Immutable, Alias("vc.ConsumerCreated")]
public sealed record ConsumerCreated(
    [property: Id(0)] string ConsumerId,
    [property: Id(1)] string ProducerId,
    [property: Id(2)] MediaKind Kind,
    [property: Id(3)] string RtpParametersJson,
    [property: Id(4)] bool ProducerPaused);
