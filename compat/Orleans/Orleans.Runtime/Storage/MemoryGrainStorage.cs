using System.Collections.Concurrent;
using System.Globalization;
using Orleans.Runtime;
using Orleans.Serialization;

namespace Orleans.Storage;

/// <summary>Keeps states in this process's memory. ETags are checked as a database would.</summary>
public sealed class MemoryGrainStorage : IGrainStorage
{
    private readonly ConcurrentDictionary<(string Name, GrainId Id), (object Value, string ETag)> _states = new();
    private long _version;

    /// <inheritdoc/>
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        if (_states.TryGetValue((stateName, grainId), out var stored))
        {
            grainState.State = DeepCopy.Of((T)stored.Value);
            grainState.ETag = stored.ETag;
            grainState.RecordExists = true;
        }
        else
        {
            grainState.State = Activator.CreateInstance<T>();
            grainState.ETag = null;
            grainState.RecordExists = false;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var key = (stateName, grainId);
        var next = ((object)DeepCopy.Of(grainState.State)!, Interlocked.Increment(ref _version).ToString(CultureInfo.InvariantCulture));
        var written = _states.TryGetValue(key, out var stored)
            ? stored.ETag == grainState.ETag && _states.TryUpdate(key, next, stored)
            : grainState.ETag is null && _states.TryAdd(key, next);
        if (!written)
        {
            throw Conflict(key, grainState.ETag);
        }

        grainState.ETag = next.Item2;
        grainState.RecordExists = true;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var key = (stateName, grainId);
        if (_states.TryGetValue(key, out var stored)
            && (stored.ETag != grainState.ETag || !_states.TryRemove(KeyValuePair.Create(key, stored))))
        {
            throw Conflict(key, grainState.ETag);
        }

        grainState.State = Activator.CreateInstance<T>();
        grainState.ETag = null;
        grainState.RecordExists = false;
        return Task.CompletedTask;
    }

    private InconsistentStateException Conflict((string Name, GrainId Id) key, string? held)
    {
        var stored = _states.TryGetValue(key, out var now) ? now.ETag : null;
        return new InconsistentStateException(
            $"The state {key.Name} of {key.Id} has ETag {stored ?? "none"}, but the grain holds {held ?? "none"}.", stored ?? "", held ?? "");
    }
}
