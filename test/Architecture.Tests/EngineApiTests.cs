using System.Reflection;
using System.Xml.Linq;

namespace VoiceCluster.Architecture.Tests;

/// <summary>docs/orleans-api.txt lists what src uses of the engine, to be held against the documentation of Orleans.</summary>
public sealed class EngineApiTests
{
    private const string ListName = "docs/orleans-api.txt";
    private const string RenewBy = "VOICECLUSTER_RENEW=1";

    private static readonly string Configuration =
        typeof(EngineApiTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == "Configuration").Value!;

    [Fact]
    public void EngineApi_ThatSrcUses_IsListed()
    {
        var used = Repository.Projects().Select(AssemblyOf).SelectMany(a => UsedMembers.Of(a, IsEngine)).Distinct().Order(StringComparer.Ordinal).ToArray();
        string[] text =
        [
            "# Every type and member of the engine's API that src uses, but for what the source generator writes.",
            "# A test of Architecture.Tests keeps it. To renew it:",
            $"#   {RenewBy} dotnet test test/Architecture.Tests -c Release --filter EngineApi",
            "",
            .. used,
        ];
        var file = Path.Combine(Repository.Root, ListName);
        if (Environment.GetEnvironmentVariable(RenewBy.Split('=')[0]) == RenewBy.Split('=')[1])
        {
            File.WriteAllLines(file, text);
        }

        var listed = File.Exists(file) ? File.ReadAllLines(file) : [];
        Assert.True(
            listed.SequenceEqual(text),
            $"""
             {ListName} is out of date. Renew it by: {RenewBy} dotnet test test/Architecture.Tests -c Release --filter EngineApi
             new: {string.Join("\n     ", text.Except(listed))}
             gone: {string.Join("\n      ", listed.Except(text))}
             """);
    }

    [Fact]
    public void EngineApi_ThatGrainsAreKnownToUse_IsFound()
    {
        var used = UsedMembers.Of(AssemblyOf("Grains"), IsEngine);
        Assert.Contains("Orleans.Grain", used);
        Assert.Contains("Orleans.Grain.DeactivateOnIdle(): void", used);
        Assert.Contains("Orleans.Runtime.IPersistentState", used);
        Assert.DoesNotContain(used, u => u.StartsWith("Orleans.Runtime.GrainRequest", StringComparison.Ordinal));
    }

    private static bool IsEngine(string assembly) => assembly.StartsWith("Orleans.", StringComparison.Ordinal);

    private static string AssemblyOf(string project)
    {
        // LoadTest is named for what it is called on the command line, for instance.
        var folder = Path.Combine(Repository.Root, "src", project);
        var name = XDocument.Load(Path.Combine(folder, $"{project}.csproj")).Descendants("AssemblyName").FirstOrDefault()?.Value ?? $"VoiceCluster.{project}";
        return Path.Combine(folder, "bin", Configuration, "net10.0", $"{name}.dll");
    }
}
