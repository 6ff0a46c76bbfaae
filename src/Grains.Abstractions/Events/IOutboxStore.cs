namespace VoiceCluster.Abstractions.Events;

/// <summary>
/// Events that wait to be published, in the order in which they were committed. Most are appended with the state that
/// they tell of; <see cref="AppendAsync"/> is for those whose state is not stored.
/// </summary>
public interface IOutboxStore
{
    /// <summary>Appends events, all or none. One that is there already is left as it is.</summary>
    Task AppendAsync(IReadOnlyList<OutboxEvent> events, CancellationToken cancellationToken);

    /// <summary>The oldest unpublished events behind a position (0 for the first), at most <paramref name="limit"/>.</summary>
    Task<IReadOnlyList<OutboxEntry>> ReadPendingAsync(long after, int limit, CancellationToken cancellationToken);

    /// <summary>Removes events that the bus has acknowledged.</summary>
    Task MarkPublishedAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken);

    /// <summary>How much waits.</summary>
    Task<OutboxBacklog> ReadBacklogAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Takes or keeps the right to publish for <paramref name="duration"/>. False while another owner has it, whose time
    /// has not run out. It saves repetitions; it is not what order rests on.
    /// </summary>
    Task<bool> TryLeaseAsync(Guid owner, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Gives the right back, if this owner has it.</summary>
    Task ReleaseLeaseAsync(Guid owner, CancellationToken cancellationToken);
}

/// <summary>An event to publish.</summary>
/// <param name="Id">Consumers tell repetitions by it.</param>
/// <param name="Subject">For instance call.accepted.</param>
/// <param name="Key">Events of one key are published in order.</param>
/// <param name="Payload">The event as JSON, UTF-8.</param>
public sealed record OutboxEvent(Guid Id, string Subject, string Key, ReadOnlyMemory<byte> Payload);

/// <summary>An event in the outbox; positions grow in the order of commits.</summary>
public sealed record OutboxEntry(long Position, OutboxEvent Event);

/// <summary>What waits in the outbox.</summary>
/// <param name="Count">Events.</param>
/// <param name="OldestAge">How long the first of them has waited; zero when there is none.</param>
public sealed record OutboxBacklog(long Count, TimeSpan OldestAge);
