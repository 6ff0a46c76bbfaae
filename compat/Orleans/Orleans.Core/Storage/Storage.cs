using Orleans.Core;
using Orleans.Runtime;

namespace Orleans
{
    /// <summary>A state between a grain and its storage.</summary>
    public interface IGrainState<T>
    {
        /// <summary>The value.</summary>
        T State { get; set; }

        /// <summary>The store's version of it, or null.</summary>
        string? ETag { get; set; }

        /// <summary>Whether the store has a record.</summary>
        bool RecordExists { get; set; }
    }

    /// <summary>A plain <see cref="IGrainState{T}"/>.</summary>
    [GenerateSerializer]
    public sealed class GrainState<T> : IGrainState<T>
    {
        /// <summary>With a new value.</summary>
        public GrainState() => State = Activator.CreateInstance<T>();

        /// <summary>With a value.</summary>
        public GrainState(T state) => State = state;

        /// <inheritdoc/>
        [Id(0)]
        public T State { get; set; }

        /// <inheritdoc/>
        [Id(1)]
        public string? ETag { get; set; }

        /// <inheritdoc/>
        [Id(2)]
        public bool RecordExists { get; set; }
    }
}

namespace Orleans.Core
{
    /// <summary>A stored state without its value.</summary>
    public interface IStorage
    {
        /// <summary>The store's version, or null.</summary>
        string? Etag { get; }

        /// <summary>Whether the store has a record.</summary>
        bool RecordExists { get; }

        /// <summary>Deletes it.</summary>
        Task ClearStateAsync(CancellationToken cancellationToken = default);

        /// <summary>Writes it; an ETag conflict throws InconsistentStateException.</summary>
        Task WriteStateAsync(CancellationToken cancellationToken = default);

        /// <summary>Reads it.</summary>
        Task ReadStateAsync(CancellationToken cancellationToken = default);
    }

    /// <summary>A stored state.</summary>
    public interface IStorage<TState> : IStorage
    {
        /// <summary>The value.</summary>
        TState State { get; set; }
    }
}

namespace Orleans.Runtime
{
    /// <summary>A named stored state of a grain, read before the grain's activation.</summary>
    public interface IPersistentState<TState> : IStorage<TState>
    {
    }
}

namespace Orleans.Storage
{
    /// <summary>A storage provider.</summary>
    public interface IGrainStorage
    {
        /// <summary>Fills the state from the store.</summary>
        Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState);

        /// <summary>Writes the state if its ETag is still the store's.</summary>
        Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState);

        /// <summary>Deletes the state if its ETag is still the store's.</summary>
        Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState);
    }
}
