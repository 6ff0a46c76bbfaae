namespace VoiceCluster.Abstractions.Events;

/// <summary>
/// Tells the world of what is not stored with a grain's state. Neither method waits or throws, so that rooms go on
/// while the store or the bus is away.
/// </summary>
public interface IEventPublisher
{
    /// <summary>
    /// A durable event: it goes to the outbox in the order of the calls, and waits in memory, within bounds, while the
    /// store is away. From the outbox on it is published at least once; what a lost process had not written is lost.
    /// </summary>
    void Publish(DomainEvent domainEvent);

    /// <summary>News of <see cref="EventTypes.Transient"/>: published at once, or dropped and counted while the bus is away.</summary>
    void PublishTransient(DomainEvent domainEvent);
}

/// <summary>Where nobody listens.</summary>
public sealed class NoEvents : IEventPublisher
{
    /// <summary>The only instance that is needed.</summary>
    public static NoEvents Instance { get; } = new();

    /// <inheritdoc/>
    public void Publish(DomainEvent domainEvent)
    {
    }

    /// <inheritdoc/>
    public void PublishTransient(DomainEvent domainEvent)
    {
    }
}
