using System.Globalization;
using System.Net;

namespace Orleans.Runtime;

/// <summary>One start of one silo: its endpoint and a generation that is new at each start.</summary>
public sealed record SiloAddress(IPEndPoint Endpoint, int Generation) : IComparable<SiloAddress>
{
    /// <summary>Makes an address.</summary>
    public static SiloAddress New(IPEndPoint endpoint, int generation) => new(endpoint, generation);

    /// <summary>Reads <c>ip:port@generation</c>.</summary>
    public static SiloAddress FromParsableString(string text)
    {
        var at = text.LastIndexOf('@');
        return new SiloAddress(IPEndPoint.Parse(text.AsSpan(0, at)), int.Parse(text.AsSpan(at + 1), CultureInfo.InvariantCulture));
    }

    /// <summary>The form that <see cref="FromParsableString"/> reads.</summary>
    public string ToParsableString() => string.Create(CultureInfo.InvariantCulture, $"{Endpoint}@{Generation}");

    /// <inheritdoc/>
    public int CompareTo(SiloAddress? other) => string.CompareOrdinal(ToParsableString(), other?.ToParsableString());

    /// <inheritdoc/>
    public override string ToString() => $"S{ToParsableString()}";
}
