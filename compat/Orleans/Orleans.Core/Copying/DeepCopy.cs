using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Reflection;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>A value of a type that has no copier: it must not cross from one grain to another.</summary>
public sealed class CodecNotFoundException(string message) : SerializerException(message);

/// <summary>Copies objects of one type. Generated for types with [GenerateSerializer].</summary>
public abstract class DeepCopier<T>
{
    /// <summary>A copy that shares nothing mutable with the original.</summary>
    public abstract T Copy(T original, CopyContext context);
}

/// <summary>Objects already copied, so that shared and circular references stay shared and circular.</summary>
public sealed class CopyContext
{
    private Dictionary<object, object>? _copies;

    /// <summary>The copy of an object, if there is one.</summary>
    public bool TryGet<T>(T original, out T copy)
        where T : class
    {
        if (_copies?.TryGetValue(original, out var found) == true)
        {
            copy = (T)found;
            return true;
        }

        copy = null!;
        return false;
    }

    /// <summary>Notes a copy before its members are copied.</summary>
    public void Add(object original, object copy) =>
        (_copies ??= new Dictionary<object, object>(ReferenceEqualityComparer.Instance)).Add(original, copy);
}

/// <summary>Copies arguments and results of local calls, and stored states. Immutable values are not copied.</summary>
public static class DeepCopy
{
    private static readonly ConcurrentDictionary<Type, Type> GeneratedCopiers = new();
    private static readonly ConcurrentDictionary<Type, Func<object, CopyContext, object>> ByRuntimeType = new();

    /// <summary>A copy that shares nothing mutable with the original.</summary>
    public static T Of<T>(T original) => Copy(original, null);

    /// <summary>Copies within a larger copy.</summary>
    public static T Copy<T>(T original, CopyContext? context)
    {
        if (original is null || CopierOf<T>.IsIdentity)
        {
            return original;
        }

        if (CopierOf<T>.IsAddressable)
        {
            return (T)Referenced(original, typeof(T));
        }

        context ??= new CopyContext();
        if (typeof(T).IsValueType)
        {
            return CopierOf<T>.Instance.Copy(original, context);
        }

        var type = original.GetType();
        return type == typeof(T) && !type.IsArray
            ? CopierOf<T>.Instance.Copy(original, context)
            : (T)ByRuntimeType.GetOrAdd(type, MakeBoxed)(original, context);
    }

    /// <summary>Notes a generated copier; both types may be open generics.</summary>
    internal static void Register(Type type, Type copier) => GeneratedCopiers[type] = copier;

    /// <summary>Grains and observers are passed by reference: a grain's own, or the one that was made for an observer.</summary>
    private static object Referenced(object original, Type type) => original switch
    {
        GrainReference => original,
        IGrainBase { GrainContext: { } context } when type.IsInterface => context.GrainReference.As(type),
        _ => throw new ArgumentException(
            $"An object of type {original.GetType()} was passed as {type}. Pass the reference that IGrainFactory.CreateObjectReference makes for it."),
    };

    private static Func<object, CopyContext, object> MakeBoxed(Type type) =>
        (Func<object, CopyContext, object>)typeof(DeepCopy).GetMethod(nameof(Boxed), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(type).Invoke(null, null)!;

    private static Func<object, CopyContext, object> Boxed<T>() => CopierOf<T>.IsIdentity
        ? static (original, _) => original
        : static (original, context) => CopierOf<T>.Instance.Copy((T)original, context)!;

    private static class CopierOf<T>
    {
        /// <summary>True when values of exactly this type, and of all types derived from it, need no copy.</summary>
        public static readonly bool IsIdentity = Copiers.IsImmutable(typeof(T));

        /// <summary>True for interfaces of grains and observers.</summary>
        public static readonly bool IsAddressable = typeof(IAddressable).IsAssignableFrom(typeof(T));

        private static DeepCopier<T>? _instance;

        public static DeepCopier<T> Instance => _instance ??= (DeepCopier<T>)Copiers.Make(typeof(T), GeneratedCopiers);
    }
}

/// <summary>Finds or makes the copier of a type.</summary>
internal static class Copiers
{
    private static readonly HashSet<Type> ImmutableTypes =
    [
        typeof(string), typeof(decimal), typeof(Guid), typeof(DateTime), typeof(DateTimeOffset), typeof(DateOnly), typeof(TimeOnly),
        typeof(TimeSpan), typeof(Uri), typeof(Version), typeof(IPAddress), typeof(CancellationToken), typeof(Int128), typeof(UInt128),
        typeof(Half), typeof(object), typeof(System.Text.Json.JsonElement),
    ];

    public static bool IsImmutable(Type type) =>
        type.IsPrimitive || type.IsEnum || (ImmutableTypes.Contains(type) && type != typeof(object))
        || type.IsDefined(typeof(ImmutableAttribute), inherit: false)
        || typeof(GrainReference).IsAssignableFrom(type)
        || typeof(Exception).IsAssignableFrom(type)
        || typeof(Type).IsAssignableFrom(type)
        || typeof(IPAddress).IsAssignableFrom(type)
        || typeof(Delegate).IsAssignableFrom(type)
        || type == typeof(GrainId) || type == typeof(SiloAddress) || type == typeof(GrainType) || type == typeof(IdSpan)
        || (type.IsGenericType && IsImmutableGeneric(type));

    public static object Make(Type type, ConcurrentDictionary<Type, Type> generated)
    {
        GrainManifest.EnsureLoaded();
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        if (generated.TryGetValue(definition, out var copier))
        {
            return Create(copier, type.IsGenericType ? type.GetGenericArguments() : []);
        }

        if (type.IsArray)
        {
            return type.GetArrayRank() == 1
                ? Create(typeof(ArrayCopier<>), [type.GetElementType()!])
                : throw NotFound(type, "arrays of more than one dimension are not supported");
        }

        if (type.IsGenericType)
        {
            var arguments = type.GetGenericArguments();
            var builtIn = definition switch
            {
                _ when definition == typeof(List<>) => typeof(ListCopier<>),
                _ when definition == typeof(Dictionary<,>) => typeof(DictionaryCopier<,>),
                _ when definition == typeof(HashSet<>) => typeof(HashSetCopier<>),
                _ when definition == typeof(Queue<>) => typeof(QueueCopier<>),
                _ when definition == typeof(Nullable<>) => typeof(NullableCopier<>),
                _ when definition == typeof(KeyValuePair<,>) => typeof(KeyValuePairCopier<,>),
                _ when definition == typeof(ImmutableArray<>) => typeof(ImmutableArrayCopier<>),
                _ when definition == typeof(ValueTuple<,>) => typeof(ValueTupleCopier<,>),
                _ when definition == typeof(ValueTuple<,,>) => typeof(ValueTupleCopier<,,>),
                _ => null,
            };
            if (builtIn is not null)
            {
                return Create(builtIn, arguments);
            }
        }

        throw NotFound(type, "mark it with [GenerateSerializer]");
    }

    private static bool IsImmutableGeneric(Type type)
    {
        var definition = type.GetGenericTypeDefinition();
        return definition == typeof(Concurrency.Immutable<>)
            || ((definition == typeof(Nullable<>) || definition == typeof(ImmutableArray<>) || definition == typeof(KeyValuePair<,>)
                || definition == typeof(ImmutableList<>) || definition == typeof(ImmutableDictionary<,>)
                || definition.FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal))
                && type.GetGenericArguments().All(IsImmutable));
    }

    private static object Create(Type copier, Type[] arguments) =>
        Activator.CreateInstance(copier.IsGenericTypeDefinition ? copier.MakeGenericType(arguments) : copier, nonPublic: true)!;

    private static CodecNotFoundException NotFound(Type type, string what) =>
        new($"No copier for {type}: {what}. Arguments, results and states of grains are copied unless they are [Immutable].");

    private sealed class ArrayCopier<T> : DeepCopier<T[]>
    {
        public override T[] Copy(T[] original, CopyContext context)
        {
            if (context.TryGet(original, out var copy))
            {
                return copy;
            }

            copy = new T[original.Length];
            context.Add(original, copy);
            for (var i = 0; i < copy.Length; i++)
            {
                copy[i] = DeepCopy.Copy(original[i], context);
            }

            return copy;
        }
    }

    private sealed class ListCopier<T> : DeepCopier<List<T>>
    {
        public override List<T> Copy(List<T> original, CopyContext context)
        {
            if (context.TryGet(original, out var copy))
            {
                return copy;
            }

            copy = new List<T>(original.Count);
            context.Add(original, copy);
            foreach (var item in original)
            {
                copy.Add(DeepCopy.Copy(item, context));
            }

            return copy;
        }
    }

    private sealed class DictionaryCopier<TKey, TValue> : DeepCopier<Dictionary<TKey, TValue>>
        where TKey : notnull
    {
        public override Dictionary<TKey, TValue> Copy(Dictionary<TKey, TValue> original, CopyContext context)
        {
            if (context.TryGet(original, out var copy))
            {
                return copy;
            }

            copy = new Dictionary<TKey, TValue>(original.Count, original.Comparer);
            context.Add(original, copy);
            foreach (var (key, value) in original)
            {
                copy.Add(DeepCopy.Copy(key, context), DeepCopy.Copy(value, context));
            }

            return copy;
        }
    }

    private sealed class HashSetCopier<T> : DeepCopier<HashSet<T>>
    {
        public override HashSet<T> Copy(HashSet<T> original, CopyContext context)
        {
            if (context.TryGet(original, out var copy))
            {
                return copy;
            }

            copy = new HashSet<T>(original.Count, original.Comparer);
            context.Add(original, copy);
            copy.UnionWith(original.Select(item => DeepCopy.Copy(item, context)));
            return copy;
        }
    }

    private sealed class QueueCopier<T> : DeepCopier<Queue<T>>
    {
        public override Queue<T> Copy(Queue<T> original, CopyContext context)
        {
            if (context.TryGet(original, out var copy))
            {
                return copy;
            }

            copy = new Queue<T>(original.Count);
            context.Add(original, copy);
            foreach (var item in original)
            {
                copy.Enqueue(DeepCopy.Copy(item, context));
            }

            return copy;
        }
    }

    private sealed class NullableCopier<T> : DeepCopier<T?>
        where T : struct
    {
        public override T? Copy(T? original, CopyContext context) => original is { } value ? DeepCopy.Copy(value, context) : null;
    }

    private sealed class KeyValuePairCopier<TKey, TValue> : DeepCopier<KeyValuePair<TKey, TValue>>
    {
        public override KeyValuePair<TKey, TValue> Copy(KeyValuePair<TKey, TValue> original, CopyContext context) =>
            new(DeepCopy.Copy(original.Key, context), DeepCopy.Copy(original.Value, context));
    }

    private sealed class ImmutableArrayCopier<T> : DeepCopier<ImmutableArray<T>>
    {
        public override ImmutableArray<T> Copy(ImmutableArray<T> original, CopyContext context) =>
            original.IsDefault ? default : [.. original.Select(item => DeepCopy.Copy(item, context))];
    }

    private sealed class ValueTupleCopier<T1, T2> : DeepCopier<(T1, T2)>
    {
        public override (T1, T2) Copy((T1, T2) original, CopyContext context) =>
            (DeepCopy.Copy(original.Item1, context), DeepCopy.Copy(original.Item2, context));
    }

    private sealed class ValueTupleCopier<T1, T2, T3> : DeepCopier<(T1, T2, T3)>
    {
        public override (T1, T2, T3) Copy((T1, T2, T3) original, CopyContext context) =>
            (DeepCopy.Copy(original.Item1, context), DeepCopy.Copy(original.Item2, context), DeepCopy.Copy(original.Item3, context));
    }
}
