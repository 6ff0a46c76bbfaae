using Orleans.Serialization;
using Orleans.Storage;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Storage;

/// <summary>
/// Grain states in an <see cref="IStateStore"/>. The events that a state carries (<see cref="IOutboxState"/>) go to the
/// outbox in the same transaction; without a signal nobody publishes them and they are dropped, so that the outbox does not grow for ever.
/// A state that is a call's (<see cref="ICallRecord"/>) is noted in the call history in that transaction, too.
/// </summary>
public sealed class DurableGrainStorage(string name, IStateStore store, Serializer serializer, OutboxSignal? outbox) : IGrainStorage
{
    /// <inheritdoc/>
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var stored = await store.ReadAsync(name, Key(stateName, grainId), CancellationToken.None).ConfigureAwait(false);
        grainState.RecordExists = stored is not null;
        grainState.ETag = stored?.ETag;
        grainState.State = stored is null ? Activator.CreateInstance<T>() : serializer.Deserialize<T>(stored.Payload.ToArray());
    }

    /// <inheritdoc/>
    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var pending = (grainState.State as IOutboxState)?.PendingEvents;
        DomainEvent[] taken = pending is null ? [] : [.. pending];
        pending?.Clear();
        try
        {
            grainState.ETag = await store.WriteAsync(
                name,
                Key(stateName, grainId),
                grainState.ETag,
                serializer.SerializeToArray(grainState.State),
                outbox is null ? [] : [.. taken.Select(EventEnvelope.ToOutbox)],
                grainState.State is ICallRecord { Call: { } call } ? CallRow.Of(call) : null,
                CancellationToken.None).ConfigureAwait(false);
            grainState.RecordExists = true;
            if (taken.Length > 0)
            {
                outbox?.Notify();
            }
        }
        catch (Exception e)
        {
            // Nothing was committed: the events wait for the next write, before those that came meanwhile.
            pending?.InsertRange(0, taken);
            throw e is StateConflictException conflict ? Translate(conflict) : new OrleansException(e.Message, e);
        }
    }

    /// <inheritdoc/>
    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        try
        {
            await store.ClearAsync(name, Key(stateName, grainId), grainState.ETag, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StateConflictException conflict)
        {
            throw Translate(conflict);
        }

        grainState.State = Activator.CreateInstance<T>();
        grainState.ETag = null;
        grainState.RecordExists = false;
    }

    private static string Key(string stateName, GrainId grainId) => $"{grainId}/{stateName}";

    private static InconsistentStateException Translate(StateConflictException conflict) =>
        new(conflict.Message, conflict.Stored ?? "", conflict.Expected ?? "", conflict);
}
