using System.Text.RegularExpressions;

namespace VoiceCluster.Browser.Tests;

/// <summary>The document of the calls' protocol as its readers have it; tests run what it prints.</summary>
internal static class CallsDocument
{
    private static readonly string Text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "TestData", "voice-and-video-calls.md"));

    /// <summary>The first code block after a line that begins so.</summary>
    public static string CodeAfter(string line)
    {
        var start = Text.IndexOf($"\n{line}", StringComparison.Ordinal);
        Assert.True(start >= 0, $"The document has no line {line}");
        var match = Regex.Match(Text[start..], "```[a-z]*\r?\n(.*?)```", RegexOptions.Singleline);
        Assert.True(match.Success);
        return match.Groups[1].Value;
    }
}
