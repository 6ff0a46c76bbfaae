using System.Globalization;
using Orleans.Runtime;

namespace Orleans;

/// <summary>Keys and references of grains.</summary>
public static class GrainExtensions
{
    /// <summary>The id of a grain or reference.</summary>
    public static GrainId GetGrainId(this IAddressable grain) => grain switch
    {
        GrainReference reference => reference.GrainId,
        IGrainBase { GrainContext: { } context } => context.GrainId,
        _ => throw new ArgumentException($"{grain.GetType()} is neither a grain nor a reference.", nameof(grain)),
    };

    /// <summary>A reference of the given interface to this grain.</summary>
    public static TGrainInterface AsReference<TGrainInterface>(this IAddressable grain)
        where TGrainInterface : IAddressable => grain switch
        {
            GrainReference reference => reference.As<TGrainInterface>(),
            IGrainBase { GrainContext: { } context } => context.GrainReference.As<TGrainInterface>(),
            _ => throw new ArgumentException("Only grains and references have references; use IGrainFactory.CreateObjectReference for observers.", nameof(grain)),
        };

    /// <summary>The same reference as another interface.</summary>
    public static TGrainInterface Cast<TGrainInterface>(this IAddressable grain)
        where TGrainInterface : IAddressable => grain.AsReference<TGrainInterface>();

    /// <summary>The text key.</summary>
    public static string GetPrimaryKeyString(this IAddressable grain) => grain.GetGrainId().Key.Value;

    /// <summary>The Guid key.</summary>
    public static Guid GetPrimaryKey(this IAddressable grain) => grain.GetPrimaryKey(out _);

    /// <summary>The Guid key and the text after it, or null.</summary>
    public static Guid GetPrimaryKey(this IAddressable grain, out string? keyExt)
    {
        var key = Split(grain, out keyExt);
        return Guid.ParseExact(key, "N");
    }

    /// <summary>The number that is the key.</summary>
    public static long GetPrimaryKeyLong(this IAddressable grain) => grain.GetPrimaryKeyLong(out _);

    /// <summary>The number that is the key and the text after it, or null.</summary>
    public static long GetPrimaryKeyLong(this IAddressable grain, out string? keyExt)
    {
        var key = Split(grain, out keyExt);
        return long.Parse(key, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private static string Split(IAddressable grain, out string? keyExt)
    {
        var key = grain.GetGrainId().Key.Value;
        var plus = key.IndexOf('+', StringComparison.Ordinal);
        keyExt = plus < 0 ? null : key[(plus + 1)..];
        return plus < 0 ? key : key[..plus];
    }
}

/// <summary>The text of keys that are not text.</summary>
internal static class GrainKeys
{
    public static string Of(Guid key, string? extension = null) => extension is null ? $"{key:N}" : $"{key:N}+{extension}";

    public static string Of(long key, string? extension = null) =>
        extension is null ? key.ToString("X", CultureInfo.InvariantCulture) : $"{key:X}+{extension}";
}
