using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;
using System.Reflection;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>Finds or makes the codec of a type.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Codecs
{
    private static readonly ConcurrentDictionary<Type, Type> Generated = new();
    private static readonly ConcurrentDictionary<Type, Codec> ByType = new();
    private static readonly Dictionary<Type, Type> Generic = new()
    {
        [typeof(List<>)] = typeof(ListCodec<>),
        [typeof(HashSet<>)] = typeof(HashSetCodec<>),
        [typeof(Dictionary<,>)] = typeof(DictionaryCodec<,>),
        [typeof(ImmutableArray<>)] = typeof(ImmutableArrayCodec<>),
        [typeof(ImmutableList<>)] = typeof(ImmutableListCodec<>),
        [typeof(ImmutableDictionary<,>)] = typeof(ImmutableDictionaryCodec<,>),
        [typeof(Nullable<>)] = typeof(NullableCodec<>),
        [typeof(KeyValuePair<,>)] = typeof(KeyValuePairCodec<,>),
        [typeof(ValueTuple<,>)] = typeof(PairCodec<,>),
        [typeof(ValueTuple<,,>)] = typeof(TripleCodec<,,>),
    };

    /// <summary>The codec of a type that is known when compiling.</summary>
    public static Codec<T> Of<T>() => Cache<T>.Codec ??= (Codec<T>)For(typeof(T));

    /// <summary>The generated codec of a base class.</summary>
    public static ObjectCodec<T> Fields<T>() => (ObjectCodec<T>)Of<T>();

    internal static IEnumerable<Type> GenericTypes => Generic.Keys;

    internal static Codec For(Type type) => ByType.GetOrAdd(type, Make);

    internal static void Register(Type type, Type codec) => Generated[type] = codec;

    private static Codec Make(Type type)
    {
        GrainManifest.EnsureLoaded();
        // The framework derives private classes from some simple types, such as that of IPAddress.Loopback.
        if (SimpleCodecs.All.TryGetValue(Declared(type), out var simple))
        {
            return simple;
        }

        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        var arguments = type.IsGenericType ? type.GetGenericArguments() : [];
        if (Generated.TryGetValue(definition, out var generated) || Generic.TryGetValue(definition, out generated))
        {
            return Create(generated, arguments);
        }

        return type switch
        {
            { IsEnum: true } => Create(typeof(EnumCodec<>), [type]),
            { IsSZArray: true } => Create(typeof(ArrayCodec<>), [type.GetElementType()!]),
            _ when typeof(IAddressable).IsAssignableFrom(type) => Create(typeof(ReferenceCodec<>), [type]),
            _ when typeof(Exception).IsAssignableFrom(type) => Create(typeof(ExceptionCodec<>), [type]),
            { IsInterface: true } or { IsAbstract: true } => Create(typeof(AnyCodec<>), [type]),
            _ when type == typeof(object) => new AnyCodec<object>(),
            _ => throw new CodecNotFoundException($"No codec for {type}: mark it with [GenerateSerializer]."),
        };
    }

    /// <summary>The public type of values whose own type is private to the framework.</summary>
    internal static Type Declared(Type type) => type.IsAssignableTo(typeof(System.Net.IPAddress)) ? typeof(System.Net.IPAddress) : type;

    private static Codec Create(Type codec, Type[] arguments) => (Codec)Activator.CreateInstance(
        codec.IsGenericTypeDefinition ? codec.MakeGenericType(arguments) : codec,
        BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic,
        null,
        null,
        null)!;

    private static class Cache<T>
    {
        public static Codec<T>? Codec { get; set; }
    }
}

/// <summary>Types as text: aliases of generated types, short names of simple ones, <c>name&lt;argument,…&gt;</c>, <c>element[]</c>.</summary>
internal static class TypeNames
{
    private static readonly ConcurrentDictionary<string, Type> Types = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<Type, string> Names = new();

    static TypeNames()
    {
        foreach (var type in SimpleCodecs.All.Keys.Concat(Codecs.GenericTypes).Append(typeof(object)))
        {
            Register(type, type.FullName!);
        }
    }

    public static void Register(Type type, string name)
    {
        Types[name] = type;
        Names[type] = name;
    }

    public static string NameOf(Type type)
    {
        GrainManifest.EnsureLoaded();
        if (Names.TryGetValue(Codecs.Declared(type), out var name))
        {
            return name;
        }

        if (type.IsSZArray)
        {
            return $"{NameOf(type.GetElementType()!)}[]";
        }

        if (type.IsGenericType && Names.TryGetValue(type.GetGenericTypeDefinition(), out name))
        {
            return $"{name}<{string.Join(',', type.GetGenericArguments().Select(NameOf))}>";
        }

        if (typeof(GrainReference).IsAssignableFrom(type) || typeof(Exception).IsAssignableFrom(type))
        {
            // Both say in their own value what they are.
            return NameOf(typeof(GrainReference).IsAssignableFrom(type) ? typeof(GrainReference) : typeof(Exception));
        }

        throw new CodecNotFoundException($"{type} has no name on the wire: mark it with [GenerateSerializer].");
    }

    public static Type TypeOf(string name)
    {
        GrainManifest.EnsureLoaded();
        var rest = name.AsSpan();
        var type = Parse(ref rest, 0);
        return rest.IsEmpty ? type : throw Malformed(name);
    }

    private static Type Parse(ref ReadOnlySpan<char> rest, int depth)
    {
        var end = rest.IndexOfAny("<>,[");
        var name = (end < 0 ? rest : rest[..end]).ToString();
        if (depth > 16 || !Types.TryGetValue(name, out var type))
        {
            throw new SerializerException($"The type {name} is not known here.");
        }

        rest = end < 0 ? [] : rest[end..];
        if (type.IsGenericTypeDefinition)
        {
            var arguments = new Type[type.GetGenericArguments().Length];
            for (var i = 0; i < arguments.Length; i++)
            {
                Skip(ref rest, i == 0 ? '<' : ',', name);
                arguments[i] = Parse(ref rest, depth + 1);
            }

            Skip(ref rest, '>', name);
            try
            {
                type = type.MakeGenericType(arguments);
            }
            catch (ArgumentException)
            {
                throw Malformed(name);
            }
        }

        for (var ranks = 0; rest.StartsWith("[]"); ranks++)
        {
            type = ranks < 8 ? type.MakeArrayType() : throw Malformed(name);
            rest = rest[2..];
        }

        return type;
    }

    private static void Skip(ref ReadOnlySpan<char> rest, char expected, string name)
    {
        if (rest.IsEmpty || rest[0] != expected)
        {
            throw Malformed(name);
        }

        rest = rest[1..];
    }

    private static SerializerException Malformed(string name) => new($"The name of the type {name} is malformed.");
}

/// <summary>Values as bytes and back.</summary>
public sealed class Serializer(IGrainCaller? references = null)
{
    /// <summary>The value as bytes.</summary>
    public byte[] SerializeToArray<T>(T value)
    {
        var writer = new Writer();
        Codecs.Of<T>().Write(writer, 0, value);
        return writer.ToArray();
    }

    /// <summary>The value of bytes that <see cref="SerializeToArray"/> made, perhaps of another version of the type.</summary>
    public T Deserialize<T>(ReadOnlyMemory<byte> input)
    {
        var reader = new Reader(input, references);
        return reader.TryReadHeader(out _, out var type)
            ? Codecs.Of<T>().Read(reader, type)
            : throw new SerializerException("The input is empty.");
    }
}
