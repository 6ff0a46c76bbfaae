using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Events.Outbox;

/// <summary>The publisher of a process with a bridge.</summary>
internal sealed class EventPublisher(OutboxWriter writer, TransientEvents transient) : IEventPublisher
{
    /// <inheritdoc/>
    public void Publish(DomainEvent domainEvent) => writer.Add(domainEvent);

    /// <inheritdoc/>
    public void PublishTransient(DomainEvent domainEvent) => transient.Add(domainEvent);
}
