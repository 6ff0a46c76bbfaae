using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Storage;

/// <summary>
/// Rows of grain state, and the events that belong to each change, written together or not at all.
/// The payload is the caller's; the store compares ETags and knows nothing else about it.
/// </summary>
public interface IStateStore
{
    /// <summary>Reads a row, or null when there is none.</summary>
    Task<StoredState?> ReadAsync(string store, string key, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a row, appends <paramref name="events"/> to the outbox and notes <paramref name="call"/> in the call history, all in
    /// one transaction; answers the new ETag. <paramref name="etag"/> is that of the row as it was read; null says that there is none yet.
    /// </summary>
    /// <exception cref="StateConflictException">The row is not as the ETag says.</exception>
    Task<string> WriteAsync(
        string store,
        string key,
        string? etag,
        ReadOnlyMemory<byte> payload,
        IReadOnlyList<OutboxEvent> events,
        CallRow? call,
        CancellationToken cancellationToken);

    /// <summary>Deletes a row. Deleting one that is absent with a null ETag is no error.</summary>
    /// <exception cref="StateConflictException">The row is not as the ETag says.</exception>
    Task ClearAsync(string store, string key, string? etag, CancellationToken cancellationToken);
}

/// <summary>Shorter forms of what stores do.</summary>
public static class StateStores
{
    /// <summary>Writes a row that is no call's, with its events.</summary>
    public static Task<string> WriteAsync(
        this IStateStore states,
        string store,
        string key,
        string? etag,
        ReadOnlyMemory<byte> payload,
        IReadOnlyList<OutboxEvent> events,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(states);
        return states.WriteAsync(store, key, etag, payload, events, null, cancellationToken);
    }
}

/// <summary>A row as it was read.</summary>
public sealed record StoredState(ReadOnlyMemory<byte> Payload, string ETag);

/// <summary>Somebody else has written the row since it was read.</summary>
public sealed class StateConflictException(string store, string key, string? expected, string? stored)
    : Exception($"The state {store}/{key} has ETag {stored ?? "none"}, not {expected ?? "none"} as expected.")
{
    public string? Expected => expected;

    public string? Stored => stored;
}
