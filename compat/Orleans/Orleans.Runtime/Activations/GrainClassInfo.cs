using System.Reflection;
using Orleans.Concurrency;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>What the attributes of a grain class say, read once.</summary>
internal sealed class GrainClassInfo
{
    public GrainClassInfo(Type grainClass)
    {
        Class = grainClass;
        IsReentrant = grainClass.IsDefined(typeof(ReentrantAttribute), inherit: true);
        MaxLocalWorkers = grainClass.GetCustomAttribute<StatelessWorkerAttribute>()?.MaxLocalWorkers ?? 0;
        HasStart = !grainClass.IsAssignableTo(typeof(Grain))
            || grainClass.GetMethod(nameof(Grain.OnActivateAsync), [typeof(CancellationToken)])?.DeclaringType != typeof(Grain);
        AgeLimit = grainClass.GetCustomAttribute<CollectionAgeLimitAttribute>()?.AgeLimit;
        if (grainClass.GetCustomAttribute<MayInterleaveAttribute>() is { } predicate)
        {
            const BindingFlags Flags = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.FlattenHierarchy;
            var method = grainClass.GetMethod(predicate.CallbackMethodName, Flags, [typeof(IInvokable)])
                ?? throw new InvalidOperationException(
                    $"{grainClass} has no static method {predicate.CallbackMethodName}(IInvokable), which its [MayInterleave] names.");
            MayInterleave = method.CreateDelegate<Func<IInvokable, bool>>();
        }
    }

    public Type Class { get; }

    public bool IsReentrant { get; }

    /// <summary>0 for grains with an identity.</summary>
    public int MaxLocalWorkers { get; }

    /// <summary>Whether the class does something at its start: the base class's method is empty.</summary>
    public bool HasStart { get; }

    public TimeSpan? AgeLimit { get; }

    public Func<IInvokable, bool>? MayInterleave { get; }
}
