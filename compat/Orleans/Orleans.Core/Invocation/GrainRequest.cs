using System.ComponentModel;
using System.Reflection;
using Orleans.Serialization;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>What the attributes of an interface's method say.</summary>
[Flags, EditorBrowsable(EditorBrowsableState.Never)]
public enum GrainRequestOptions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>No answer.</summary>
    OneWay = 1,

    /// <summary>May run beside read-only requests.</summary>
    ReadOnly = 2,

    /// <summary>May run beside any request.</summary>
    AlwaysInterleave = 4,
}

/// <summary>
/// One call of one method with its arguments. The generator derives a class for each method of each interface; nobody
/// else should.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class GrainRequest : IInvokable
{
    /// <summary>What the method's attributes say.</summary>
    public virtual GrainRequestOptions Options => GrainRequestOptions.None;

    /// <inheritdoc/>
    public abstract MethodInfo GetMethod();

    /// <inheritdoc/>
    public abstract Type GetInterfaceType();

    /// <inheritdoc/>
    public string GetInterfaceName() => GetInterfaceType().FullName!;

    /// <inheritdoc/>
    public string GetMethodName() => GetMethod().Name;

    /// <inheritdoc/>
    public virtual int GetArgumentCount() => 0;

    /// <inheritdoc/>
    public virtual object? GetArgument(int index) => throw new ArgumentOutOfRangeException(nameof(index));

    /// <inheritdoc/>
    public virtual void SetArgument(int index, object value) => throw new ArgumentOutOfRangeException(nameof(index));

    /// <inheritdoc/>
    public virtual TimeSpan? GetDefaultResponseTimeout() => null;

    /// <summary>Replaces mutable arguments by copies, so that caller and grain share nothing.</summary>
    public virtual void CopyArguments()
    {
    }

    /// <summary>The interface and the method as they are written on the wire.</summary>
    public abstract string WireName { get; }

    /// <summary>True when one of the arguments is a token.</summary>
    public virtual bool TakesCancellationToken => false;

    /// <summary>Writes the arguments as fields, and the end of the fields.</summary>
    public virtual void WriteArguments(Writer writer) => writer.WriteEnd();

    /// <summary>Reads what <see cref="WriteArguments"/> wrote, perhaps in another version.</summary>
    public virtual void ReadArguments(Reader reader)
    {
        while (reader.TryReadHeader(out _, out var type))
        {
            reader.Skip(type);
        }
    }

    /// <summary>Replaces the token among the arguments.</summary>
    public virtual void SetCancellationToken(CancellationToken token)
    {
    }

    /// <summary>The token among the arguments, or the empty one.</summary>
    public virtual CancellationToken GetCancellationToken() => CancellationToken.None;

    /// <summary>Calls the target; the result as an object, null for none. For filters.</summary>
    public abstract ValueTask<object?> InvokeBoxedAsync(object target);

    /// <summary>Calls the visitor with the type of the result.</summary>
    internal abstract TAnswer Accept<TAnswer, TArgument>(IRequestVisitor<TAnswer, TArgument> visitor, TArgument argument);

    /// <summary>Finds a method of an interface by name and parameter types.</summary>
    protected static MethodInfo FindMethod(Type type, string name, params Type[] parameters) =>
        type.GetMethod(name, parameters) ?? throw new MissingMethodException(type.FullName, name);
}

/// <summary>Something that needs to know the type of a request's result.</summary>
internal interface IRequestVisitor<out TAnswer, in TArgument>
{
    /// <summary>Called by <see cref="GrainRequest.Accept"/>.</summary>
    TAnswer Visit<TResult>(GrainRequest<TResult> request, TArgument argument);
}

/// <summary>A call whose answer is a value.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class GrainRequest<TResult> : GrainRequest
{
    /// <summary>Calls the target.</summary>
    public abstract ValueTask<TResult> InvokeAsync(object target);

    internal sealed override TAnswer Accept<TAnswer, TArgument>(IRequestVisitor<TAnswer, TArgument> visitor, TArgument argument) =>
        visitor.Visit(this, argument);

    /// <inheritdoc/>
    public override async ValueTask<object?> InvokeBoxedAsync(object target) => await InvokeAsync(target);
}

/// <summary>The value of a call that answers none.</summary>
[Immutable, EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct VoidResult;

/// <summary>A call without a value in its answer.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class VoidGrainRequest : GrainRequest<VoidResult>
{
    /// <summary>Calls the target.</summary>
    public abstract ValueTask InvokeVoidAsync(object target);

    /// <inheritdoc/>
    public sealed override ValueTask<VoidResult> InvokeAsync(object target)
    {
        var task = InvokeVoidAsync(target);
        if (task.IsCompletedSuccessfully)
        {
            return default;
        }

        return AwaitAsync(task);

        static async ValueTask<VoidResult> AwaitAsync(ValueTask task)
        {
            await task;
            return default;
        }
    }

    /// <inheritdoc/>
    public sealed override async ValueTask<object?> InvokeBoxedAsync(object target)
    {
        await InvokeVoidAsync(target);
        return null;
    }
}
