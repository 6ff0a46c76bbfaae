using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Orleans.Serialization;

/// <summary>
/// Texts that come again and again, such as grain types, and what is known of them: made once. A table of fixed size, so that
/// nobody can fill it; a text that finds no place takes another's.
/// </summary>
/// <param name="make">Makes what is known of a text.</param>
internal sealed class NameCache<T>(Func<string, T> make)
    where T : class
{
    private const int Size = 1_024;

    private readonly Entry?[] _entries = new Entry?[Size];

    public T Get(ReadOnlySpan<byte> utf8)
    {
        var place = Hash(utf8) & (Size - 1);
        if (_entries[place] is { } first && utf8.SequenceEqual(first.Utf8))
        {
            return first.Value;
        }

        // Each text has two places; the newer of two that want the same one moves the older to its other place.
        var other = place ^ 1;
        if (_entries[other] is { } second && utf8.SequenceEqual(second.Utf8))
        {
            return second.Value;
        }

        var made = new Entry(utf8.ToArray(), make(Encoding.UTF8.GetString(utf8)));
        _entries[other] = _entries[place];
        _entries[place] = made;
        return made.Value;
    }

    /// <summary>Eight bytes at a time: it is asked with each call.</summary>
    private static uint Hash(ReadOnlySpan<byte> utf8)
    {
        const ulong Odd = 0x9E3779B97F4A7C15;
        var hash = (ulong)utf8.Length * Odd;
        for (; utf8.Length >= sizeof(ulong); utf8 = utf8[sizeof(ulong)..])
        {
            hash = BitOperations.RotateLeft((hash ^ BinaryPrimitives.ReadUInt64LittleEndian(utf8)) * Odd, 31);
        }

        foreach (var b in utf8)
        {
            hash = BitOperations.RotateLeft((hash ^ b) * Odd, 31);
        }

        return (uint)((hash * Odd) >> 32);
    }

    private sealed record Entry(byte[] Utf8, T Value);
}
