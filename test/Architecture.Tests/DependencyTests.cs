using System.Text.RegularExpressions;

namespace VoiceCluster.Architecture.Tests;

/// <summary>The arrows between the projects and between the folders; docs/architecture.md draws them.</summary>
public sealed class DependencyTests
{
    /// <summary>Every project under src, with all it may reference. A new project is added here, with its arrow.</summary>
    private static readonly Dictionary<string, string[]> Arrows = new()
    {
        ["Events"] = ["Grains.Abstractions", "Hosting"],
        ["Grains.Abstractions"] = [],
        ["Grains"] = ["Grains.Abstractions"],
        ["Hosting"] = [],
        ["LoadTest"] = ["Media"],
        ["Media"] = [],
        ["MediaNode"] = ["Clustering", "Grains.Abstractions", "Hosting", "Media"],
        ["ApiFrontend"] = ["Clustering", "Grains.Abstractions", "Hosting", "Media"],
        ["PostgreSql"] = [],
        ["Clustering"] = ["PostgreSql"],
        ["Storage"] = ["Grains.Abstractions", "PostgreSql"],
        ["Silo"] = ["Clustering", "Events", "Grains", "Hosting", "Storage"],
        ["Standalone"] = ["ApiFrontend", "MediaNode", "Silo"],
    };

    [Fact]
    public void Projects_All_HaveAnArrow() =>
        Assert.Equal(Arrows.Keys.Order(StringComparer.Ordinal), Repository.Projects());

    [Fact]
    public void Projects_References_FollowTheArrows()
    {
        foreach (var project in Repository.Projects())
        {
            Assert.Empty(Repository.ProjectReferences(project).Except(Arrows[project]).Select(r => $"{project} → {r}"));
        }
    }

    [Fact]
    public void Media_References_NoOrleansNoAspNetNoNats()
    {
        var forbidden = new Regex(@"\busing\s+(Orleans|Microsoft\.AspNetCore|NATS|Microsoft\.Extensions)\b");
        AssertNoMatch(forbidden, Repository.SourceFiles("src/Media"));
    }

    [Fact]
    public void ProtocolCode_HoldsNoSocketThreadTaskLockOrClock()
    {
        var forbidden = new Regex(
            @"\b(Socket|Thread|Task|ValueTask|TaskCompletionSource|SemaphoreSlim|Monitor|Stopwatch|TimeProvider)\b|\b(DateTime|DateTimeOffset)\.(Utc)?Now\b|\bEnvironment\.TickCount|\block\s*\(|\bawait\b");
        string[] sansIo = ["Stun", "Ice", "Dtls", "Srtp", "Rtp", "Rtcp", "Sdp", "Routing", "Bandwidth", "Audio", "Mixing"];
        var files = Repository.SourceFiles([.. sansIo.Select(f => $"src/Media/{f}")]);
        AssertNoMatch(forbidden, files);
    }

    [Fact]
    public void PInvoke_StandsOnlyInInteropFolders()
    {
        var forbidden = new Regex(@"\[(LibraryImport|DllImport)\b");
        AssertNoMatch(forbidden, Repository.SourceFiles("src").Where(f => !Repository.Relative(f).Contains("/Interop/", StringComparison.Ordinal)));
    }

    [Fact]
    public void Frontend_OfMedia_UsesDescriptionsOnly()
    {
        var forbidden = new Regex(@"\bVoiceCluster\.Media\.(?!Sdp\b|Routing\.Parameters\b)");
        AssertNoMatch(forbidden, Repository.SourceFiles("src/ApiFrontend"));
    }

    [Fact]
    public void Doors_NeverImportEachOther()
    {
        var doors = Path.Combine(Repository.Root, "src/ApiFrontend/Doors");
        foreach (var door in Directory.GetDirectories(doors).Select(d => Path.GetFileName(d)!))
        {
            var others = Directory.GetDirectories(doors).Select(d => Path.GetFileName(d)!).Where(d => d != door).ToArray();
            if (others.Length > 0)
            {
                var forbidden = new Regex($@"Doors\.({string.Join('|', others.Select(Regex.Escape))})\b");
                AssertNoMatch(forbidden, Repository.SourceFiles($"src/ApiFrontend/Doors/{door}"));
            }
        }
    }

    [Fact]
    public void Grains_NeverUseConfigureAwaitFalse() =>
        AssertNoMatch(new Regex(@"ConfigureAwait\(false\)"), Repository.SourceFiles("src/Grains"));

    [Fact]
    public void GrainSources_HoldNoConditionalCompilation() =>
        AssertNoMatch(new Regex(@"^\s*#if\b", RegexOptions.Multiline), Repository.SourceFiles("src/Grains", "src/Grains.Abstractions"));

    private static void AssertNoMatch(Regex forbidden, IEnumerable<string> files)
    {
        var found = files
            .SelectMany(file => File.ReadLines(file).Select((text, index) => (file, text, line: index + 1)))
            .Where(l => !l.text.TrimStart().StartsWith("//", StringComparison.Ordinal) && forbidden.IsMatch(l.text))
            .Select(l => $"{Repository.Relative(l.file)}:{l.line}: {l.text.Trim()}");
        Assert.Empty(found);
    }
}
