namespace VoiceCluster.Abstractions.Events;

/// <summary>
/// Something that happened and that integrators are told of. What a derived record adds to these members is the
/// event's <c>data</c> on the bus; see <see cref="EventEnvelope"/>, docs/events.md and docs/schemas/events.
/// </summary>
/// <param name="Id">Consumers tell repetitions by it.</param>
/// <param name="Type">One of <see cref="EventTypes"/>, for instance <c>call.accepted</c>; also the subject on the bus.</param>
/// <param name="Key">Events of one key are published in order.</param>
/// <param name="Time">When it happened, UTC.</param>
[GenerateSerializer, Immutable, Alias("vc.DomainEvent")]
public abstract record DomainEvent(
    [property: Id(0)] Guid Id, [property: Id(1)] string Type, [property: Id(2)] string Key, [property: Id(3)] DateTimeOffset Time)
{
    /// <summary>The version of the data's schema. It grows when a field changes its meaning or goes, not when one is added.</summary>
    public virtual int Version => 1;
}

/// <summary>
/// A grain state that carries the events of its own changes, so that one write commits both. A store with an outbox
/// appends <see cref="PendingEvents"/> to it in the same transaction and writes the state without them.
/// </summary>
public interface IOutboxState
{
    /// <summary>Events of changes that no outbox has taken yet, oldest first.</summary>
    List<DomainEvent> PendingEvents { get; }
}
