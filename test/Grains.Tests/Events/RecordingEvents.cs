using System.Collections.Concurrent;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Grains.Tests.Events;

/// <summary>Keeps what the grains of all test clusters tell the world; keys tell the tests' own apart.</summary>
internal sealed class RecordingEvents : IEventPublisher
{
    private readonly ConcurrentQueue<DomainEvent> _events = [];

    public static RecordingEvents Shared { get; } = new();

    public DomainEvent[] Of(string key) => [.. _events.Where(e => e.Key == key)];

    public void Publish(DomainEvent domainEvent) => _events.Enqueue(domainEvent);

    public void PublishTransient(DomainEvent domainEvent) => _events.Enqueue(domainEvent);
}
