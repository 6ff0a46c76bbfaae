using System.Text.Json;
using System.Text.RegularExpressions;

namespace VoiceCluster.Browser.Tests;

/// <summary>The document of a protocol as its readers have it; tests run what it prints.</summary>
internal sealed class PrintedDocument(string file)
{
    private readonly string _text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "TestData", file));

    public static PrintedDocument Calls { get; } = new("voice-and-video-calls.md");

    public static PrintedDocument VoiceService { get; } = new("voice-service.md");

    /// <summary>The first code block after a line that begins so.</summary>
    public string CodeAfter(string line)
    {
        var start = _text.IndexOf($"\n{line}", StringComparison.Ordinal);
        Assert.True(start >= 0, $"The document has no line {line}");
        var match = Regex.Match(_text[start..], "```[a-z]*\r?\n(.*?)```", RegexOptions.Singleline);
        Assert.True(match.Success);
        return match.Groups[1].Value;
    }

    /// <summary>The names of the code block's first JSON object, and of the objects in it, as paths.</summary>
    public IEnumerable<string> NamesAfter(string line) => Names(JsonSerializer.Deserialize<JsonElement>(CodeAfter(line)), "");

    /// <summary>The names in a JSON value, as paths.</summary>
    public static IEnumerable<string> Names(JsonElement json, string path) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().SelectMany(p => Names(p.Value, $"{path}/{p.Name}")),
        JsonValueKind.Array => json.EnumerateArray().SelectMany(e => Names(e, $"{path}[]")).Distinct(),
        _ => [path],
    };
}
