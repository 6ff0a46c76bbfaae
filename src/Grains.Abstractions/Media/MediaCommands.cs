using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Abstractions.Media;

/// <summary>A command to a media node. The room is opened by the first command or reconciliation that names it.</summary>
[GenerateSerializer, Immutable, Alias("vc.MediaCommand")]
public abstract record MediaCommand;

/// <summary>Opens the room's router; answers <see cref="RoomOpened"/>.</summary>
[GenerateSerializer, Immutable, Alias("vc.OpenRoom")]
public sealed record OpenRoom : MediaCommand;

/// <summary>Closes the room with everything in it.</summary>
[GenerateSerializer, Immutable, Alias("vc.CloseRoom")]
public sealed record CloseRoom : MediaCommand;

/// <summary>Answers <see cref="TransportOpened"/>.</summary>
/// <param name="MaxVideoBitrate">Bits a second of video that it is sent at most; null without a limit.</param>
/// <param name="Bitrates">What the application allows; null where it has said nothing.</param>
[GenerateSerializer, Immutable, Alias("vc.CreateWebRtcTransport")]
public sealed record CreateWebRtcTransport(
    [property: Id(0)] string TransportId,
    [property: Id(1)] string ParticipantId,
    [property: Id(2)] long? MaxVideoBitrate = null,
    [property: Id(3)] TransportBitrates? Bitrates = null) : MediaCommand;

/// <summary>Opens a plain transport of a participant; answers <see cref="TransportOpened"/>.</summary>
/// <param name="OptionsJson">mediasoup's PlainTransportOptions.</param>
[GenerateSerializer, Immutable, Alias("vc.CreatePlainTransport")]
public sealed record CreatePlainTransport(
    [property: Id(0)] string TransportId,
    [property: Id(1)] string ParticipantId,
    [property: Id(2)] string OptionsJson) : MediaCommand;

/// <summary>Bits a second of video that a transport is sent at most; null lifts the limit.</summary>
[GenerateSerializer, Immutable, Alias("vc.SetMaxVideoBitrate")]
public sealed record SetMaxVideoBitrate([property: Id(0)] string TransportId, [property: Id(1)] long? Bitrate) : MediaCommand;

/// <summary>What an application allows on a transport.</summary>
[GenerateSerializer, Immutable, Alias("vc.SetTransportBitrates")]
public sealed record SetTransportBitrates([property: Id(0)] string TransportId, [property: Id(1)] TransportBitrates Bitrates) : MediaCommand;

/// <summary>
/// Lets a native client into the room over the relay port; the room's name is the channel's id. Answers <see cref="RelayTransportOpened"/>.
/// </summary>
/// <param name="Session">The 16 bytes that prove the client's address.</param>
/// <param name="Key">The 16 bytes of its AES-GCM key.</param>
[GenerateSerializer, Immutable, Alias("vc.CreateRelayTransport")]
public sealed record CreateRelayTransport(
    [property: Id(0)] string TransportId,
    [property: Id(1)] string ParticipantId,
    [property: Id(2)] Guid UserId,
    [property: Id(3)] byte[] Session,
    [property: Id(4)] byte[] Key) : MediaCommand;

/// <summary>Asks how the room's sound flows; changes nothing. Answers <see cref="AudioReported"/>.</summary>
[GenerateSerializer, Immutable, Alias("vc.ReportAudio")]
public sealed record ReportAudio : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.ConnectWebRtcTransport")]
public sealed record ConnectWebRtcTransport([property: Id(0)] string TransportId, [property: Id(1)] string DtlsParametersJson) : MediaCommand;

/// <summary>Answers <see cref="IceRestarted"/>.</summary>
[GenerateSerializer, Immutable, Alias("vc.RestartIce")]
public sealed record RestartIce([property: Id(0)] string TransportId) : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.CloseTransport")]
public sealed record CloseTransport([property: Id(0)] string TransportId) : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.CreateProducer")]
public sealed record CreateProducer(
    [property: Id(0)] string ProducerId,
    [property: Id(1)] string TransportId,
    [property: Id(2)] MediaKind Kind,
    [property: Id(3)] string RtpParametersJson,
    [property: Id(4)] bool Paused) : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.SetProducerPaused")]
public sealed record SetProducerPaused([property: Id(0)] string ProducerId, [property: Id(1)] bool Paused) : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.CloseProducer")]
public sealed record CloseProducer([property: Id(0)] string ProducerId) : MediaCommand;

/// <summary>Answers <see cref="ConsumerOpened"/>.</summary>
/// <param name="SourceUserId">Whose producer it is: relay packets name their user.</param>
[GenerateSerializer, Immutable, Alias("vc.CreateConsumer")]
public sealed record CreateConsumer(
    [property: Id(0)] string ConsumerId,
    [property: Id(1)] string TransportId,
    [property: Id(2)] string ProducerId,
    [property: Id(3)] string RtpCapabilitiesJson,
    [property: Id(4)] bool Paused,
    [property: Id(5)] string? NegotiatedRtpParametersJson = null,
    [property: Id(6)] Guid? SourceUserId = null) : MediaCommand;

/// <summary>Consumers of the loudest others, one an id; answers <see cref="SlotConsumersOpened"/>.</summary>
/// <param name="RtpParametersJson">As negotiated, one an id; the node adds the encodings.</param>
[GenerateSerializer, Immutable, Alias("vc.CreateSlotConsumers")]
public sealed record CreateSlotConsumers(
    [property: Id(0)] string[] ConsumerIds,
    [property: Id(1)] string TransportId,
    [property: Id(2)] string[] RtpParametersJson,
    [property: Id(3)] bool Paused) : MediaCommand;

/// <summary>A consumer of the mix of all others; answers <see cref="ConsumerOpened"/>.</summary>
/// <param name="RtpParametersJson">As negotiated; the node adds the encoding.</param>
[GenerateSerializer, Immutable, Alias("vc.CreateMixConsumer")]
public sealed record CreateMixConsumer(
    [property: Id(0)] string ConsumerId,
    [property: Id(1)] string TransportId,
    [property: Id(2)] string RtpParametersJson,
    [property: Id(3)] bool Paused) : MediaCommand;

/// <summary>Pauses or resumes a consumer of any source.</summary>
[GenerateSerializer, Immutable, Alias("vc.SetConsumerPaused")]
public sealed record SetConsumerPaused([property: Id(0)] string ConsumerId, [property: Id(1)] bool Paused) : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.SetPreferredLayers")]
public sealed record SetPreferredLayers([property: Id(0)] string ConsumerId, [property: Id(1)] int SpatialLayer, [property: Id(2)] int? TemporalLayer) : MediaCommand;

/// <summary>Which consumer of a transport comes first when not all fit, 1 to 255. Of no effect but for a producer's video.</summary>
[GenerateSerializer, Immutable, Alias("vc.SetConsumerPriority")]
public sealed record SetConsumerPriority([property: Id(0)] string ConsumerId, [property: Id(1)] int Priority) : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.CloseConsumer")]
public sealed record CloseConsumer([property: Id(0)] string ConsumerId) : MediaCommand;

/// <summary>
/// Begins to write a recording of the room, or goes on with one that this node was writing. The node reports to
/// <see cref="Recordings.IRecordingGrain"/> when it writes, and when it has ended: by command, by the plan's limits, or with the room.
/// Unsupported where it cannot record.
/// </summary>
[GenerateSerializer, Immutable, Alias("vc.StartRecording")]
public sealed record StartRecording([property: Id(0)] Guid RecordingId, [property: Id(1)] Recordings.RecordingPlan Plan) : MediaCommand;

/// <summary>Ends a recording and closes its files. One that the node does not write is no error.</summary>
[GenerateSerializer, Immutable, Alias("vc.StopRecording")]
public sealed record StopRecording([property: Id(0)] Guid RecordingId) : MediaCommand;

/// <summary>The answer to a command.</summary>
[GenerateSerializer, Immutable, Alias("vc.MediaReply")]
public abstract record MediaReply;

/// <summary>Nothing more to say.</summary>
[GenerateSerializer, Immutable, Alias("vc.MediaDone")]
public sealed record MediaDone : MediaReply;

[GenerateSerializer, Immutable, Alias("vc.RoomOpened")]
public sealed record RoomOpened([property: Id(0)] string RtpCapabilitiesJson) : MediaReply;

[GenerateSerializer, Immutable, Alias("vc.TransportOpened")]
public sealed record TransportOpened([property: Id(0)] string DescriptionJson) : MediaReply;

/// <summary>A relay client's way in: where to send, and what its door passes on to produce and consume.</summary>
[GenerateSerializer, Immutable, Alias("vc.RelayTransportOpened")]
public sealed record RelayTransportOpened([property: Id(0)] RelayEndPoint EndPoint, [property: Id(1)] RelayMedia Media) : MediaReply;

/// <summary>How the room's sound flows at one node.</summary>
/// <param name="Voices">How many voices the mean jitter is of.</param>
/// <param name="RoundTrips">Milliseconds, ascending: what the percentiles are of. Null in an old message.</param>
[GenerateSerializer, Immutable, Alias("vc.AudioReported")]
public sealed record AudioReported(
    [property: Id(0)] AudioStatistics Statistics, [property: Id(1)] int Voices = 0, [property: Id(2)] double[]? RoundTrips = null) : MediaReply;

[GenerateSerializer, Immutable, Alias("vc.IceRestarted")]
public sealed record IceRestarted([property: Id(0)] string IceParametersJson) : MediaReply;

[GenerateSerializer, Immutable, Alias("vc.ConsumerOpened")]
public sealed record ConsumerOpened([property: Id(0)] string RtpParametersJson, [property: Id(1)] MediaKind Kind, [property: Id(2)] bool ProducerPaused) : MediaReply;

/// <summary>The completed parameters of new slots, in the order of the command.</summary>
[GenerateSerializer, Immutable, Alias("vc.SlotConsumersOpened")]
public sealed record SlotConsumersOpened([property: Id(0)] string[] RtpParametersJson) : MediaReply;
