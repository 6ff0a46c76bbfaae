using System.ComponentModel;

namespace Orleans.Runtime;

/// <summary>A reference to a grain or observer. The generator derives a class for each interface, which implements it.</summary>
public abstract class GrainReference : IAddressable, IEquatable<GrainReference>
{
    private readonly IGrainCaller _caller;
    private uint _uniformHash;

    /// <summary>Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected GrainReference(IGrainCaller caller, GrainId grainId)
    {
        _caller = caller;
        GrainId = grainId;
    }

    /// <summary>What it refers to.</summary>
    public GrainId GrainId { get; }

    /// <summary>The interface that this reference implements.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public abstract Type GrainInterface { get; }

    internal IGrainCaller Caller => _caller;

    /// <summary>The hash by which the target's silo is found.</summary>
    internal uint UniformHash => _uniformHash != 0 ? _uniformHash : _uniformHash = GrainId.GetUniformHashCode();

    /// <summary>The same target as another interface.</summary>
    internal TInterface As<TInterface>()
        where TInterface : IAddressable =>
        this is TInterface same && GrainInterface == typeof(TInterface) ? same : (TInterface)(object)_caller.CreateReference(typeof(TInterface), GrainId);

    /// <summary>The same target as another interface.</summary>
    internal object As(Type grainInterface) =>
        GrainInterface == grainInterface ? this : _caller.CreateReference(grainInterface, GrainId);

    /// <inheritdoc/>
    public bool Equals(GrainReference? other) => other is not null && other.GrainId == GrainId;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GrainReference);

    /// <inheritdoc/>
    public override int GetHashCode() => GrainId.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => $"GrainReference:{GrainId}:{GrainInterface.Name}";

    /// <summary>Sends a call and answers its result.</summary>
    protected Task<TResult> CallAsync<TResult>(GrainRequest<TResult> request) => _caller.CallAsync(this, request);

    /// <summary>Sends a call and answers when it has ended.</summary>
    protected Task CallVoidAsync(VoidGrainRequest request) => _caller.CallAsync(this, request);

    /// <summary>Sends a call that is not answered.</summary>
    protected void Send(GrainRequest request) => _caller.Send(this, request);
}

/// <summary>The part of the runtime that references call.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IGrainCaller
{
    /// <summary>Makes a reference.</summary>
    GrainReference CreateReference(Type grainInterface, GrainId grainId);

    /// <summary>Sends a call and answers its result.</summary>
    Task<TResult> CallAsync<TResult>(GrainReference target, GrainRequest<TResult> request);

    /// <summary>Sends a call that is not answered.</summary>
    void Send(GrainReference target, GrainRequest request);
}
