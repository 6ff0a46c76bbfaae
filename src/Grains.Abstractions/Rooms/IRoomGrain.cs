using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.Rooms;

/// <summary>
/// One room, keyed by its name: who is in it, what they send and receive, and the media node that forwards it.
/// Doors call it; it commands the media node. Packets never pass here.
/// RTP and DTLS parameters travel as JSON in mediasoup's shapes: only the media node reads them.
/// </summary>
[Alias("vc.IRoomGrain")]
public interface IRoomGrain : IGrainWithStringKey
{
    /// <summary>
    /// Adds a participant, or takes it over again when the same participant id is present already (a reconnect):
    /// then its transports, producers and consumers go on. The room of a call, <c>call:{id}</c>, lets in only those who have
    /// joined the call, while it lives: Forbidden, Conflict before the answer, Gone after the end.
    /// </summary>
    Task<Outcome<RoomJoined>> JoinAsync(JoinRoom request, IRoomObserver observer);

    /// <summary>
    /// Takes over a participant that is present, for a client that lost the process it was connected to: its transports,
    /// producers and consumers go on, and nobody else notices. The door that had it is told that it moved.
    /// NotFound when the room does not know the participant, or the key or the user is another's.
    /// </summary>
    Task<Outcome<RoomJoined>> ResumeAsync(ResumeRoom request, IRoomObserver observer);

    /// <summary>Removes a participant with everything it owns. Removing one that is absent is no error.</summary>
    Task<Outcome<Done>> LeaveAsync(string participantId, LeaveReason reason);

    /// <summary>
    /// Tells the room that the participant's door is alive, every <see cref="RoomLease.RenewEvery"/>.
    /// NotFound tells the door that the room no longer knows the participant, Gone that another door has it now.
    /// </summary>
    Task<Outcome<Done>> RenewAsync(string participantId, IRoomObserver observer);

    /// <summary>Makes a WebRTC transport (one direction or both) and answers its parameters as mediasoup's JSON.</summary>
    Task<Outcome<TransportCreated>> CreateTransportAsync(string participantId);

    /// <summary>
    /// Makes a plain transport (RTP over UDP without ICE and DTLS) for a participant that an operator's program is; its other end is told to the
    /// media node. <paramref name="optionsJson"/> and the answer are mediasoup's JSON.
    /// </summary>
    Task<Outcome<TransportCreated>> CreatePlainTransportAsync(string participantId, string optionsJson);

    /// <summary>
    /// Lets a native client send and receive over the relay port; only in the room of a channel, whose id its packets name. They name
    /// the user, too, so a user has one such client in a room: an older participant of this door leaves, moved.
    /// </summary>
    Task<Outcome<RelayTransportCreated>> CreateRelayTransportAsync(string participantId, RelayTransportRequest request);

    /// <summary>How the room's sound flows; all 0 where nobody is.</summary>
    Task<Outcome<AudioStatistics>> GetAudioStatisticsAsync();

    /// <summary>Gives the client's DTLS parameters to a transport. A second call is a conflict.</summary>
    Task<Outcome<Done>> ConnectTransportAsync(string participantId, string transportId, string dtlsParametersJson);

    /// <summary>New ICE credentials for a transport; answers mediasoup's iceParameters as JSON.</summary>
    Task<Outcome<string>> RestartIceAsync(string participantId, string transportId);

    /// <summary>Closes a transport with its producers and consumers.</summary>
    Task<Outcome<Done>> CloseTransportAsync(string participantId, string transportId);

    /// <summary>Starts sending a track; answers the producer id.</summary>
    Task<Outcome<string>> ProduceAsync(string participantId, ProduceRequest request);

    /// <summary>Pauses or resumes a producer at the media node: a paused one is not forwarded.</summary>
    Task<Outcome<Done>> SetProducerPausedAsync(string participantId, string producerId, bool paused);

    /// <summary>Ends a producer and all its consumers.</summary>
    Task<Outcome<Done>> CloseProducerAsync(string participantId, string producerId);

    /// <summary>Starts receiving another participant's producer. Media flows at once.</summary>
    Task<Outcome<ConsumerCreated>> ConsumeAsync(string participantId, ConsumeRequest request);

    /// <summary>Starts receiving the loudest of the others, in slots; the answers are in the order of the request.</summary>
    Task<Outcome<ConsumerCreated[]>> ConsumeLoudestAsync(string participantId, ConsumeLoudestRequest request);

    /// <summary>Starts receiving the mix of all others. Unsupported where the media node has no Opus library.</summary>
    Task<Outcome<ConsumerCreated>> ConsumeMixAsync(string participantId, ConsumeMixRequest request);

    /// <summary>Pauses or resumes a consumer.</summary>
    Task<Outcome<Done>> SetConsumerPausedAsync(string participantId, string consumerId, bool paused);

    /// <summary>Ends a consumer.</summary>
    Task<Outcome<Done>> CloseConsumerAsync(string participantId, string consumerId);

    /// <summary>The highest simulcast or SVC layers that a consumer wants (0 is the lowest).</summary>
    Task<Outcome<Done>> SetPreferredLayersAsync(string participantId, string consumerId, int spatialLayer, int? temporalLayer);

    /// <summary>Which of a participant's video consumers comes first when not all fit its network, 1 (last) to 255.</summary>
    Task<Outcome<Done>> SetConsumerPriorityAsync(string participantId, string consumerId, int priority);

    /// <summary>
    /// Limits what a transport sends or is sent, bits a second; 0 lifts the limit. What was set last begins with each later transport of
    /// the participant, and so outlives a move to another media node.
    /// </summary>
    Task<Outcome<Done>> SetTransportBitrateAsync(string participantId, string transportId, Media.TransportBitrate which, long bitrate);

    /// <summary>Mutes or deafens a participant; enforced by the media node.</summary>
    Task<Outcome<Done>> SetVoiceStateAsync(string participantId, bool muted, bool deafened);

    /// <summary>
    /// What a user receives of others' pictures, 0 (none) to 100 (all layers), on all its participants, those that come later too.
    /// A client's own wish for fewer layers stays.
    /// </summary>
    Task<Outcome<Done>> SetReceiveQualityAsync(Guid userId, int quality);

    /// <summary>Removes every participant of a user, whichever door it came through. None is no error.</summary>
    Task<Outcome<Done>> RemoveUserAsync(Guid userId, LeaveReason reason);

    /// <summary>Removes everybody: the room or its channel is ended. The name may be used again.</summary>
    Task<Outcome<Done>> CloseAsync(LeaveReason reason);

    /// <summary>
    /// Has the media node write a recording, now and, until it is stopped, on every node that the room moves to.
    /// The same id again changes nothing. Conflict in a room that nobody is in.
    /// </summary>
    Task<Outcome<Done>> StartRecordingAsync(Guid recordingId, Recordings.RecordingPlan plan);

    /// <summary>Ends a recording. One that does not run is no error.</summary>
    Task<Outcome<Done>> StopRecordingAsync(Guid recordingId);

    /// <summary>What the room looks like now. A room that nobody is in has no participants; it is no error.</summary>
    [AlwaysInterleave]
    Task<RoomSnapshot> GetSnapshotAsync();

    /// <summary>Speakers, ICE and DTLS states from the media node, batched.</summary>
    [OneWay]
    Task ReportAsync(Media.MediaReport report);

    /// <summary>
    /// The fleet says that a media node (or an earlier start of it) is gone, or about to be: move the room. Answered, so that the
    /// fleet can say it again when the room's silo was lost.
    /// </summary>
    Task MediaNodeLostAsync(Media.MediaNodeId node);

    /// <summary>Tells the room of a call that parties left it or that it is over: who no longer belongs there is put out.</summary>
    [OneWay]
    Task CallChangedAsync(Calls.CallInfo call);
}

/// <summary>What the room pushes to a participant's door, in order. One observer a participant.</summary>
[Alias("vc.IRoomObserver")]
public interface IRoomObserver : IGrainObserver
{
    /// <summary>Events in the room's order; <see cref="RoomEvent.Sequence"/> has no gaps within one activation's epoch.</summary>
    [OneWay]
    Task OnRoomEventsAsync(RoomEvent[] events);
}

/// <summary>How long a participant stays when its door is silent.</summary>
public static class RoomLease
{
    /// <summary>Doors renew this often.</summary>
    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);

    /// <summary>A participant whose door was silent for so long leaves with <see cref="LeaveReason.DoorLost"/>.</summary>
    public static readonly TimeSpan Expiry = TimeSpan.FromSeconds(45);

    /// <summary>How long a participant stays without media when it <see cref="JoinRoom.EndsWithMedia"/>.</summary>
    public static readonly TimeSpan MediaExpiry = TimeSpan.FromSeconds(30);
}
