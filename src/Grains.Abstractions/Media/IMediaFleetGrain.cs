using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.Media;

/// <summary>
/// All media nodes of the cluster, key 0. Nodes say every <see cref="MediaFleet.HeartbeatEvery"/> that they live;
/// rooms ask for a node and then command it directly.
/// </summary>
[Alias("vc.IMediaFleetGrain")]
public interface IMediaFleetGrain : IGrainWithIntegerKey
{
    /// <summary>
    /// A node's sign of life with its load; the first one registers it. True: the fleet has just learned of the node, perhaps
    /// because the fleet itself is new, and wants to hear which rooms it has.
    /// </summary>
    Task<bool> HeartbeatAsync(MediaNodeHeartbeat heartbeat, IMediaNode node);

    /// <summary>The rooms that a node has, for a fleet that does not know.</summary>
    Task StateRoomsAsync(MediaNodeId node, string[] rooms);

    /// <summary>
    /// A node is about to stop: it takes no more rooms, and those it has are told to move, while it still forwards them. Answers how
    /// many; 0 also when no other node could take them.
    /// </summary>
    Task<int> DrainAsync(MediaNodeId node);

    /// <summary>A node stops on purpose: it takes no more rooms and those it has move. Its heartbeats count no more.</summary>
    Task LeaveAsync(MediaNodeId node);

    /// <summary>A node's process has ended without a word, surely: its rooms move now. A process that stands still is noticed by its silence.</summary>
    [OneWay]
    Task EndedAsync(MediaNodeId node);

    /// <summary>The node for a room: the one it has while that lives, else the least loaded. Unavailable when there is none.</summary>
    Task<Outcome<MediaPlacement>> PlaceAsync(string roomName, MediaNodeId? current);

    /// <summary>
    /// The node for one more participant of a room: of those that the room has, the first with room; else another; else, when all are
    /// full, the least loaded. Unavailable when there is none.
    /// </summary>
    Task<Outcome<MediaPlacement>> PlaceParticipantAsync(string roomName, RoomShare[] shares);

    /// <summary>The room needs its node no more.</summary>
    [OneWay]
    Task ReleaseAsync(string roomName, MediaNodeId node);

    /// <summary>Nodes that live now.</summary>
    Task<MediaNodeHeartbeat[]> ListAsync();
}

/// <summary>The numbers of the fleet's protocol.</summary>
public static class MediaFleet
{
    /// <summary>The key of the one fleet grain.</summary>
    public const long Key = 0;

    /// <summary>How often nodes send a heartbeat.</summary>
    public static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(1);

    /// <summary>A node silent for so long is lost, and its rooms move.</summary>
    public static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(3);
}

/// <summary>One start of one media node. A restarted node has a new incarnation and knows no rooms.</summary>
/// <param name="Name">Stable name, unique in the cluster.</param>
/// <param name="Incarnation">Made anew at each start.</param>
[GenerateSerializer, Immutable, Alias("vc.MediaNodeId")]
public sealed record MediaNodeId([property: Id(0)] string Name, [property: Id(1)] Guid Incarnation);

/// <summary>What a node says about itself.</summary>
/// <param name="Consumers">Consumers it forwards to now.</param>
/// <param name="MaxConsumers">Its limit, Media:MaxConsumersPerNode.</param>
/// <param name="Relay">Where native clients send to; null without a relay port.</param>
/// <param name="CpuLoad">0 to 1: the busiest worker's share of its core in the last second.</param>
/// <param name="IsFull">No worker takes another transport.</param>
[GenerateSerializer, Immutable, Alias("vc.MediaNodeHeartbeat")]
public sealed record MediaNodeHeartbeat(
    [property: Id(0)] MediaNodeId Node,
    [property: Id(1)] string ControlUrl,
    [property: Id(2)] int Rooms,
    [property: Id(3)] int Consumers,
    [property: Id(4)] int MaxConsumers,
    [property: Id(5)] double CpuLoad,
    [property: Id(6)] bool Draining,
    [property: Id(7)] Rooms.RelayEndPoint? Relay = null,
    [property: Id(8)] bool IsFull = false);

/// <summary>Where a room's media is.</summary>
/// <param name="Consumers">Consumers of all rooms there, by its last heartbeat.</param>
/// <param name="MaxConsumers">Its limit; 0 in an old message.</param>
[GenerateSerializer, Immutable, Alias("vc.MediaPlacement")]
public sealed record MediaPlacement(
    [property: Id(0)] MediaNodeId NodeId,
    [property: Id(1)] IMediaNode Node,
    [property: Id(2)] int Consumers = 0,
    [property: Id(3)] int MaxConsumers = 0);

/// <summary>What one room has on one node.</summary>
/// <param name="Consumers">The room's own there now, which the last heartbeat may not know yet.</param>
/// <param name="Expected">Consumers that one more participant there would add: its own, and those of it.</param>
/// <param name="IsFull">The node has just refused the room another transport.</param>
[GenerateSerializer, Immutable, Alias("vc.RoomShare")]
public sealed record RoomShare(
    [property: Id(0)] MediaNodeId Node, [property: Id(1)] int Consumers, [property: Id(2)] int Expected, [property: Id(3)] bool IsFull = false);
