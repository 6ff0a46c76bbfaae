namespace VoiceCluster.Abstractions.Events;

/// <summary>A media node joined the fleet. The key is the node's name. Told again when the fleet itself moved to another silo.</summary>
/// <param name="Node">Stable name of the node.</param>
/// <param name="Incarnation">The node's start; a restart is another.</param>
/// <param name="MaxConsumers">How many consumers it takes.</param>
[GenerateSerializer, Immutable, Alias("vc.MediaNodeJoinedEvent")]
public sealed record MediaNodeJoinedEvent(
    Guid Id,
    DateTimeOffset Time,
    [property: Id(0)] string Node,
    [property: Id(1)] Guid Incarnation,
    [property: Id(2)] string ControlUrl,
    [property: Id(3)] int MaxConsumers)
    : DomainEvent(Id, EventTypes.MediaNodeJoined, Node, Time);

/// <summary>A media node left on purpose (media.node.left), or was silent for too long or restarted (media.node.lost).</summary>
/// <param name="Rooms">How many rooms must move.</param>
[GenerateSerializer, Immutable, Alias("vc.MediaNodeGoneEvent")]
public sealed record MediaNodeGoneEvent(
    Guid Id,
    string Type,
    DateTimeOffset Time,
    [property: Id(0)] string Node,
    [property: Id(1)] Guid Incarnation,
    [property: Id(2)] int Rooms)
    : DomainEvent(Id, Type, Node, Time);
