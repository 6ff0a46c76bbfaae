using System.Text.RegularExpressions;

namespace VoiceCluster.Architecture.Tests;

/// <summary>Rules of the house that a compiler does not know.</summary>
public sealed class HouseRuleTests
{
    private const int MaxLines = 1_000;
    private const int ExplainedAbove = 600;

    [Fact]
    public void Files_PastSixHundredLines_SayWhy()
    {
        var tooLong = Repository.SourceFiles("src", "compat", "test")
            .Select(file => (file, lines: File.ReadAllLines(file)))
            .Where(f => f.lines.Length > MaxLines
                || (f.lines.Length > ExplainedAbove && !f.lines.Take(10).Any(l => l.Contains("Long because", StringComparison.Ordinal))))
            .Select(f => $"{Repository.Relative(f.file)}: {f.lines.Length} lines");
        Assert.Empty(tooLong);
    }

    [Fact]
    public void Folders_WithoutAConceptInTheirName_DoNotExist()
    {
        var vague = Repository.SourceFiles("src", "compat", "test")
            .Select(Repository.Relative)
            .Where(f => Regex.IsMatch(f, @"/(Helpers|Utils|Managers|Common)/"));
        Assert.Empty(vague);
    }

    [Fact]
    public void LogEvents_Ids_AreUnique()
    {
        var ids = new Regex(@"\[LoggerMessage\(\s*(?:EventId\s*=\s*)?(\d+)");
        var doubles = Repository.SourceFiles("src", "compat")
            .SelectMany(file => ids.Matches(File.ReadAllText(file)).Select(m => (id: int.Parse(m.Groups[1].Value), file)))
            .GroupBy(e => e.id)
            .Where(g => g.Count() > 1)
            .Select(g => $"{g.Key}: {string.Join(", ", g.Select(e => Repository.Relative(e.file)).Distinct())}");
        Assert.Empty(doubles);
    }

    /// <summary>Which engine a build takes is said in eng/ and nowhere else.</summary>
    [Fact]
    public void Projects_AskNotForTheOfficialPackages()
    {
        var found = new[] { "src", "compat", "test", "bench", "samples" }
            .SelectMany(f => Directory.EnumerateFiles(Path.Combine(Repository.Root, f), "*", SearchOption.AllDirectories))
            .Where(f => Path.GetExtension(f) is ".csproj" or ".props" or ".targets" && !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(f => File.ReadAllText(f).Contains("OfficialPackages", StringComparison.Ordinal))
            .Select(Repository.Relative);
        Assert.Empty(found);
    }

    [Fact]
    public void Logs_AreSourceGenerated()
    {
        var direct = new Regex(@"\.Log(Trace|Debug|Information|Warning|Error|Critical)\(");
        var found = Repository.SourceFiles("src", "compat").Where(f => direct.IsMatch(File.ReadAllText(f))).Select(Repository.Relative);
        Assert.Empty(found);
    }

    [Fact]
    public void Code_SwallowsNoException()
    {
        var empty = new Regex(@"catch\s*(\([^)]*\))?\s*\{\s*\}");
        var found = Repository.SourceFiles("src", "compat", "test").Where(f => empty.IsMatch(File.ReadAllText(f))).Select(Repository.Relative);
        Assert.Empty(found);
    }

    [Fact]
    public void Code_BlocksOnNoTask()
    {
        var blocking = new Regex(@"\.GetAwaiter\(\)\.GetResult\(\)|\basync void\b|\.Wait\(\)");
        var found = Repository.SourceFiles("src")
            .SelectMany(file => File.ReadLines(file).Select((text, index) => (file, text, line: index + 1)))
            .Where(l => blocking.IsMatch(l.text))
            .Select(l => $"{Repository.Relative(l.file)}:{l.line}");
        Assert.Empty(found);
    }
}
