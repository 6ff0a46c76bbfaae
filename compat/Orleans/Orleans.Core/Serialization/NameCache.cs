using System.Collections.Concurrent;
using System.Text;

namespace Orleans.Serialization;

/// <summary>Texts that come again and again, such as grain types: made once. Bounded, so that nobody can fill it.</summary>
internal sealed class NameCache
{
    private const int MaxNames = 10_000;
    private const int MaxLength = 256;

    private readonly ConcurrentDictionary<string, string> _names = new(StringComparer.Ordinal);

    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxLength)
        {
            return Encoding.UTF8.GetString(utf8);
        }

        Span<char> text = stackalloc char[MaxLength];
        text = text[..Encoding.UTF8.GetChars(utf8, text)];
        if (_names.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out var known))
        {
            return known;
        }

        var made = text.ToString();
        return _names.Count < MaxNames ? _names.GetOrAdd(made, made) : made;
    }
}
