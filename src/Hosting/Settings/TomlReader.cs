using System.Globalization;
using System.Text;

namespace VoiceCluster.Hosting.Settings;

/// <summary>A fault in a settings file: what is wrong, and in which line.</summary>
public sealed class TomlException(int line, string message) : Exception(message)
{
    /// <summary>From 1.</summary>
    public int Line => line;
}

/// <summary>One value of a TOML file.</summary>
/// <param name="Path">Its tables and its key.</param>
/// <param name="Text">As configuration has it: true, 3000, 0.5, or the text itself.</param>
/// <param name="Line">Where it is.</param>
public sealed record TomlValue(string[] Path, string Text, int Line);

/// <summary>
/// Reads what settings need of TOML 1.0: comments, [tables], dotted and quoted keys, one-line strings, whole numbers, floats,
/// booleans, and arrays of these on one line. Anything else is refused by name, never guessed at.
/// </summary>
public static class TomlReader
{
    /// <summary>All values in the order of the file.</summary>
    /// <exception cref="TomlException">The file is no such TOML.</exception>
    public static IReadOnlyList<TomlValue> Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<TomlValue> values = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        HashSet<string> tables = new(StringComparer.Ordinal);
        string[] table = [];
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            Line line = new(raw.TrimEnd('\r'), ++number);
            line.SkipBlank();
            if (line.IsAtEnd)
            {
                continue;
            }

            if (line.TryTake('['))
            {
                table = ReadTable(ref line);
                if (!tables.Add(string.Join('\0', table)))
                {
                    throw line.Fault($"The table [{string.Join('.', table)}] is there twice.");
                }

                continue;
            }

            string[] path = [.. table, .. ReadKey(ref line)];
            line.Require('=', "A key is followed by = and its value.");
            foreach (var (suffix, value) in ReadValue(ref line))
            {
                string[] full = suffix is null ? path : [.. path, suffix];
                if (!seen.Add(string.Join('\0', full)))
                {
                    throw line.Fault($"The key {string.Join('.', path)} is there twice.");
                }

                values.Add(new TomlValue(full, value, number));
            }

            line.End();
        }

        return values;
    }

    private static string[] ReadTable(ref Line line)
    {
        if (line.TryTake('['))
        {
            throw line.Fault("Arrays of tables are not for settings.");
        }

        var table = ReadKey(ref line);
        line.Require(']', "A table's name ends with ].");
        line.End();
        return table;
    }

    private static string[] ReadKey(ref Line line)
    {
        List<string> parts = [];
        do
        {
            line.SkipBlank();
            parts.Add(line.Peek is '"' or '\'' ? ReadString(ref line) : line.TakeBareKey());
            line.SkipBlank();
        }
        while (line.TryTake('.'));

        return [.. parts];
    }

    private static IEnumerable<(string? Suffix, string Value)> ReadValue(ref Line line)
    {
        line.SkipBlank();
        if (!line.TryTake('['))
        {
            return [(null, ReadScalar(ref line))];
        }

        List<(string? Suffix, string Value)> items = [];
        line.SkipBlank();
        while (!line.TryTake(']'))
        {
            items.Add((items.Count.ToString(CultureInfo.InvariantCulture), ReadScalar(ref line)));
            line.SkipBlank();
            if (!line.TryTake(','))
            {
                line.Require(']', "An array ends with ] in the line in which it begins.");
                break;
            }

            line.SkipBlank();
        }

        return items;
    }

    private static string ReadScalar(ref Line line) => line.Peek switch
    {
        '"' or '\'' => ReadString(ref line),
        '{' => throw line.Fault("Inline tables are not for settings; write a [table]."),
        '[' => throw line.Fault("Arrays of arrays are not for settings."),
        _ => ReadPlain(ref line),
    };

    private static string ReadPlain(ref Line line)
    {
        var word = line.TakeWord();
        if (word is "true" or "false")
        {
            return word;
        }

        var digits = word.Replace("_", "", StringComparison.Ordinal);
        if (word.Length > 0 && !word.StartsWith('_') && !word.EndsWith('_') && !word.Contains("__", StringComparison.Ordinal))
        {
            if (digits.StartsWith("0x", StringComparison.Ordinal)
                && long.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex))
            {
                return hex.ToString(CultureInfo.InvariantCulture);
            }

            var bare = digits.TrimStart('+', '-');
            var hasLeadingZero = bare.Length > 1 && bare[0] == '0' && char.IsAsciiDigit(bare[1]);
            if (!hasLeadingZero && long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
            {
                return whole.ToString(CultureInfo.InvariantCulture);
            }

            if (!hasLeadingZero && bare.Length > 0 && char.IsAsciiDigit(bare[0]) && char.IsAsciiDigit(bare[^1])
                && double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var real))
            {
                return real.ToString("R", CultureInfo.InvariantCulture);
            }
        }

        throw line.Fault(word.Length == 0 ? "The value is missing." : $"{word} is no text in quotes, no number and neither true nor false.");
    }

    private static string ReadString(ref Line line)
    {
        var quote = line.Take();
        if (line.Peek == quote && line.PeekNext == quote)
        {
            throw line.Fault("Texts of several lines are not for settings.");
        }

        StringBuilder text = new();
        while (true)
        {
            if (line.IsAtEnd)
            {
                throw line.Fault($"The text has no closing {quote}.");
            }

            var c = line.Take();
            if (c == quote)
            {
                return text.ToString();
            }

            if (c < ' ' && c != '\t')
            {
                throw line.Fault("A text has no control characters; write them as \\u00XX.");
            }

            text.Append(c == '\\' && quote == '"' ? ReadEscape(ref line) : c.ToString());
        }
    }

    private static string ReadEscape(ref Line line)
    {
        var c = line.IsAtEnd ? '\0' : line.Take();
        return c switch
        {
            'b' => "\b",
            't' => "\t",
            'n' => "\n",
            'f' => "\f",
            'r' => "\r",
            '"' => "\"",
            '\\' => "\\",
            'u' => ReadCodePoint(ref line, 4),
            'U' => ReadCodePoint(ref line, 8),
            _ => throw line.Fault("After \\ comes one of b t n f r \" \\ u U."),
        };
    }

    private static string ReadCodePoint(ref Line line, int digits)
    {
        var hex = line.TakeUpTo(digits);
        return hex.Length == digits && uint.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) && Rune.IsValid(code)
            ? new Rune(code).ToString()
            : throw line.Fault($"After \\u or \\U come {digits} hexadecimal digits of a character.");
    }

    private struct Line(string text, int number)
    {
        private int _at;

        public readonly bool IsAtEnd => _at >= text.Length;

        public readonly char Peek => _at < text.Length ? text[_at] : '\0';

        public readonly char PeekNext => _at + 1 < text.Length ? text[_at + 1] : '\0';

        public readonly TomlException Fault(string message) => new(number, message);

        public void SkipBlank()
        {
            while (Peek is ' ' or '\t')
            {
                _at++;
            }

            if (Peek == '#')
            {
                _at = text.Length;
            }
        }

        public char Take() => text[_at++];

        public bool TryTake(char c)
        {
            if (Peek != c || _at >= text.Length)
            {
                return false;
            }

            _at++;
            return true;
        }

        public void Require(char c, string message)
        {
            SkipBlank();
            if (!TryTake(c))
            {
                throw Fault(message);
            }
        }

        public void End()
        {
            SkipBlank();
            if (_at < text.Length)
            {
                throw Fault($"Nothing may follow in the line, but \"{text[_at..]}\" does.");
            }
        }

        public string TakeBareKey()
        {
            var start = _at;
            while (char.IsAsciiLetterOrDigit(Peek) || Peek is '_' or '-')
            {
                _at++;
            }

            return _at > start ? text[start.._at] : throw Fault("A key has letters, digits, _ and -, or stands in quotes.");
        }

        public string TakeWord()
        {
            var start = _at;
            while (_at < text.Length && Peek is not (' ' or '\t' or ',' or ']' or '#'))
            {
                _at++;
            }

            return text[start.._at];
        }

        public string TakeUpTo(int count)
        {
            var taken = text.Substring(_at, Math.Min(count, text.Length - _at));
            _at += taken.Length;
            return taken;
        }
    }
}
