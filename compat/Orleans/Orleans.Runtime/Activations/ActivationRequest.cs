namespace Orleans.Runtime;

/// <summary>Something that runs as turns of an activation: a call, or a timer's callback.</summary>
internal abstract class ActivationRequest
{
    /// <summary>May run beside anything.</summary>
    public abstract bool AlwaysInterleave { get; }

    /// <summary>May run beside requests that are read-only too.</summary>
    public virtual bool IsReadOnly => false;

    /// <summary>The call chain that it belongs to, if that may come back; else empty.</summary>
    public virtual Guid ReentrancyId => Guid.Empty;

    /// <summary>The call, or null when it is none.</summary>
    public virtual GrainRequest? Call => null;

    /// <summary>Whether it counts as use of the activation.</summary>
    public virtual bool KeepsAlive => true;

    /// <summary>Runs it. Called on the activation's scheduler; never throws.</summary>
    public abstract Task RunAsync(Activation activation);

    /// <summary>The activation has ended before it ran.</summary>
    public abstract void Reroute();

    /// <summary>The activation could not be made.</summary>
    public abstract void Fail(Exception exception);
}
