namespace VoiceCluster.Browser.Tests;

/// <summary>The scripts of <c>samples/curl</c>, as they are, against the server.</summary>
[Collection(ClusterGroup.Name)]
public sealed class SampleScriptTests(ClusterFixture cluster)
{
    public static TheoryData<string> Scripts =>
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "samples", "curl"), "0*.sh").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task Script_AsItIs_Succeeds(string script)
    {
        var output = await Command.RunAsync(Repository.Root, "env", $"SERVER={cluster.Server.Url}", "bash", $"samples/curl/{script}");

        Assert.EndsWith($"{script[..3]} ok", output.TrimEnd(), StringComparison.Ordinal);
    }
}
