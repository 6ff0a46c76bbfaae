using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.Media;

/// <summary>
/// A media node as grains command it. Every command is idempotent: ids are given by the caller, and a command that
/// was executed before is answered as before.
/// </summary>
[Alias("vc.IMediaNode")]
public interface IMediaNode : IGrainObserver
{
    /// <summary>Runs one command of a room. A header with an older epoch than the node has seen is answered Superseded.</summary>
    [ResponseTimeout("00:00:05")]
    Task<Outcome<MediaReply>> ExecuteAsync(RoomCommandHeader header, MediaCommand command);

    /// <summary>
    /// A new activation of the room's grain takes the room over: it states its participants, the node closes what belongs
    /// to anybody else, and answers what it has. A room that the node does not have is opened empty.
    /// </summary>
    [ResponseTimeout("00:00:05")]
    Task<Outcome<RoomAdopted>> AdoptAsync(RoomCommandHeader header, string[] participantIds);

    /// <summary>
    /// Makes the node's room equal to <paramref name="desired"/>: what is not desired is closed; what is desired but
    /// absent is answered as missing, because only the client can make it again.
    /// </summary>
    [ResponseTimeout("00:00:05")]
    Task<Outcome<RoomReconciled>> ReconcileAsync(RoomCommandHeader header, DesiredRoom desired);

    /// <summary>The fleet goes to another silo and takes nothing along: the node says again that it lives, now and not in its time.</summary>
    [ResponseTimeout("00:00:00.500")]
    Task FleetMovesAsync();
}

/// <summary>Which activation of which room commands, and how the room is.</summary>
/// <param name="Room">The room's name.</param>
/// <param name="Epoch">Grows with each activation of the room's grain; a stale twin is refused.</param>
/// <param name="Sequence">Grows with each command of one epoch.</param>
/// <param name="TopSpeakers">
/// Speakers whose sound is forwarded at most, the loudest; 0 for all. It comes with each command, because any of them may open
/// the room.
/// </param>
[GenerateSerializer, Immutable, Alias("vc.RoomCommandHeader")]
public sealed record RoomCommandHeader([property: Id(0)] string Room, [property: Id(1)] long Epoch, [property: Id(2)] long Sequence, [property: Id(3)] int TopSpeakers = 0);

/// <summary>The room as its grain wants it at this node.</summary>
/// <param name="Pipes">Pipes to the room's other nodes; null in an old message.</param>
[GenerateSerializer, Immutable, Alias("vc.DesiredRoom")]
public sealed record DesiredRoom(
    [property: Id(0)] DesiredTransport[] Transports,
    [property: Id(1)] DesiredProducer[] Producers,
    [property: Id(2)] DesiredConsumer[] Consumers,
    [property: Id(3)] DesiredPipe[]? Pipes = null);

/// <summary>A transport that is to be there.</summary>
/// <param name="MaxVideoBitrate">Bits a second of video that it is sent at most; null without a limit.</param>
/// <param name="Bitrates">What the application allows; null where it has said nothing.</param>
[GenerateSerializer, Immutable, Alias("vc.DesiredTransport")]
public sealed record DesiredTransport(
    [property: Id(0)] string TransportId,
    [property: Id(1)] string ParticipantId,
    [property: Id(2)] long? MaxVideoBitrate = null,
    [property: Id(3)] TransportBitrates? Bitrates = null);

[GenerateSerializer, Immutable, Alias("vc.DesiredProducer")]
public sealed record DesiredProducer([property: Id(0)] string ProducerId, [property: Id(1)] string TransportId, [property: Id(2)] bool Paused);

/// <summary>A consumer of any source; the producer's id is empty for a slot and the mix.</summary>
[GenerateSerializer, Immutable, Alias("vc.DesiredConsumer")]
public sealed record DesiredConsumer([property: Id(0)] string ConsumerId, [property: Id(1)] string TransportId, [property: Id(2)] string ProducerId, [property: Id(3)] bool Paused);

/// <summary>The router's capabilities, and the desired ids that the node does not have.</summary>
/// <param name="Pipes">The desired pipes as the node has them now; null in an old message.</param>
[GenerateSerializer, Immutable, Alias("vc.RoomReconciled")]
public sealed record RoomReconciled(
    [property: Id(0)] string RtpCapabilitiesJson,
    [property: Id(1)] string[] MissingTransports,
    [property: Id(2)] string[] MissingProducers,
    [property: Id(3)] string[] MissingConsumers,
    [property: Id(4)] AdoptedPipe[]? Pipes = null);

/// <summary>What the node has of a room.</summary>
/// <param name="Speakers">Who speaks now, because what the node reported before may be lost; null in an old message.</param>
/// <param name="Pipes">Pipes to the room's other nodes. What comes through them is not among the producers.</param>
[GenerateSerializer, Immutable, Alias("vc.RoomAdopted")]
public sealed record RoomAdopted(
    [property: Id(0)] string RtpCapabilitiesJson,
    [property: Id(1)] AdoptedTransport[] Transports,
    [property: Id(2)] AdoptedProducer[] Producers,
    [property: Id(3)] AdoptedConsumer[] Consumers,
    [property: Id(4)] Rooms.Speaker[]? Speakers = null,
    [property: Id(5)] AdoptedPipe[]? Pipes = null);

/// <summary>A transport that the node has.</summary>
/// <param name="HearsAll">Everybody's sound goes to it without consumers, as to a native client.</param>
/// <param name="Bitrates">What the application allows; null where it has said nothing.</param>
[GenerateSerializer, Immutable, Alias("vc.AdoptedTransport")]
public sealed record AdoptedTransport(
    [property: Id(0)] string TransportId,
    [property: Id(1)] string ParticipantId,
    [property: Id(2)] MediaTransportState State = MediaTransportState.New,
    [property: Id(3)] bool HearsAll = false,
    [property: Id(4)] TransportBitrates? Bitrates = null);

[GenerateSerializer, Immutable, Alias("vc.AdoptedProducer")]
public sealed record AdoptedProducer([property: Id(0)] string ProducerId, [property: Id(1)] string TransportId, [property: Id(2)] Rooms.MediaKind Kind, [property: Id(3)] bool Paused);

/// <summary>A consumer that the node has.</summary>
/// <param name="ProducerId">Empty unless the source is a producer.</param>
[GenerateSerializer, Immutable, Alias("vc.AdoptedConsumer")]
public sealed record AdoptedConsumer(
    [property: Id(0)] string ConsumerId,
    [property: Id(1)] string TransportId,
    [property: Id(2)] string ProducerId,
    [property: Id(3)] bool Paused,
    [property: Id(4)] Rooms.ConsumerSource Source = Rooms.ConsumerSource.Producer);
