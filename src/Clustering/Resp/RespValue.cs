using System.Text;

namespace VoiceCluster.Clustering.Resp;

/// <summary>What a reply is, RESP2's and RESP3's types taken together.</summary>
public enum RespKind
{
    /// <summary>Nothing.</summary>
    Null,

    /// <summary>A simple or bulk string, verbatim text, a double or a big number.</summary>
    Text,

    /// <summary>An integer, or a boolean as 0 or 1.</summary>
    Integer,

    /// <summary>The server refuses: code, space, message.</summary>
    Error,

    /// <summary>An array, a set, or a map as key, value, key, value.</summary>
    Array,

    /// <summary>Something that the server says unasked.</summary>
    Push,
}

/// <summary>A reply of the server. It owns its bytes.</summary>
public sealed class RespValue
{
    private RespValue(RespKind kind, long integer, byte[] bytes, RespValue[] items) =>
        (Kind, Integer, Bytes, Items) = (kind, integer, bytes, items);

    /// <summary>Nothing.</summary>
    public static RespValue Null { get; } = new(RespKind.Null, 0, [], []);

    /// <summary>The type.</summary>
    public RespKind Kind { get; }

    /// <summary>The number of an <see cref="RespKind.Integer"/>.</summary>
    public long Integer { get; }

    /// <summary>The bytes of a text or an error.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The parts of an array.</summary>
    public IReadOnlyList<RespValue> Items { get; }

    /// <summary>A text or an error as a string.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes.Span);

    internal static RespValue OfText(byte[] bytes) => new(RespKind.Text, 0, bytes, []);

    internal static RespValue OfError(byte[] bytes) => new(RespKind.Error, 0, bytes, []);

    internal static RespValue OfInteger(long number) => new(RespKind.Integer, number, [], []);

    internal static RespValue OfItems(RespKind kind, RespValue[] items) => new(kind, 0, [], items);

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        RespKind.Null => "null",
        RespKind.Integer => $"{Integer}",
        RespKind.Array or RespKind.Push => $"{Kind} of {Items.Count}",
        _ => Text,
    };
}
