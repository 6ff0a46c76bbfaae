namespace Orleans.Runtime;

/// <summary>The kind of a grain: one per grain class.</summary>
public readonly record struct GrainType(string Value) : IComparable<GrainType>
{
    /// <summary>Makes a type of its name.</summary>
    public static GrainType Create(string value) => new(value);

    /// <inheritdoc/>
    public int CompareTo(GrainType other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>The key of a grain within its type, as text.</summary>
public readonly record struct IdSpan(string Value)
{
    /// <summary>Makes a key of its text.</summary>
    public static IdSpan Create(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Names one grain, observer or client: type and key.</summary>
public readonly record struct GrainId(GrainType Type, IdSpan Key) : IComparable<GrainId>
{
    /// <summary>Makes an id of the names of type and key.</summary>
    public static GrainId Create(string type, string key) => new(new GrainType(type), new IdSpan(key));

    /// <summary>Makes an id of a type and a key.</summary>
    public static GrainId Create(GrainType type, IdSpan key) => new(type, key);

    /// <summary>Makes an id of a type and a key.</summary>
    public static GrainId Create(GrainType type, string key) => new(type, new IdSpan(key));

    /// <summary>True for the default value, which names nothing.</summary>
    public bool IsDefault => Type.Value is null;

    /// <summary>Reads <c>type/key</c>.</summary>
    public static GrainId Parse(string value)
    {
        var slash = value.IndexOf('/', StringComparison.Ordinal);
        return slash > 0
            ? Create(value[..slash], value[(slash + 1)..])
            : throw new FormatException($"\"{value}\" is not of the form type/key.");
    }

    /// <summary>A hash that is the same in every process and build: placement and reminders depend on it.</summary>
    public uint GetUniformHashCode() => StableHash.Compute(Type.Value, Key.Value);

    /// <inheritdoc/>
    public int CompareTo(GrainId other) =>
        Type.CompareTo(other.Type) is var byType and not 0 ? byType : string.CompareOrdinal(Key.Value, other.Key.Value);

    /// <inheritdoc/>
    public override string ToString() => $"{Type.Value}/{Key.Value}";
}

/// <summary>FNV-1a, 32 bits, with a final mix: quick, and the same everywhere.</summary>
internal static class StableHash
{
    public static uint Compute(string first, string second)
    {
        var hash = Add(2166136261, first);
        hash = Add((hash ^ '/') * 16777619, second);
        hash ^= hash >> 16;
        hash *= 0x85EBCA6B;
        hash ^= hash >> 13;
        hash *= 0xC2B2AE35;
        return hash ^ (hash >> 16);
    }

    private static uint Add(uint hash, string text)
    {
        foreach (var c in text)
        {
            hash = (hash ^ c) * 16777619;
        }

        return hash;
    }
}
