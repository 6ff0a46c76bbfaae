using System.Reflection;

namespace VoiceCluster.Browser.Tests;

/// <summary>Where the tests find what they start and where they leave what they saw.</summary>
internal static class Repository
{
    public static string Root { get; } = Metadata("RepositoryRoot");

    public static string Web => Path.Combine(Root, "web");

    /// <summary>Screenshots and server logs.</summary>
    public static string Artifacts { get; } = Directory.CreateDirectory(Path.Combine(Root, "artifacts", "browser")).FullName;

    /// <summary>The standalone server, built in the configuration of the tests; VOICECLUSTER_STANDALONE names another one, for instance a published program.</summary>
    public static string Standalone => Environment.GetEnvironmentVariable("VOICECLUSTER_STANDALONE")
        ?? Path.Combine(Root, "src", "Standalone", "bin", Metadata("Configuration"), "net10.0", "VoiceCluster.Standalone.dll");

    /// <summary>The sample of a native client.</summary>
    public static string RelayClient =>
        Path.Combine(Root, "samples", "RelayClient", "bin", Metadata("Configuration"), "net10.0", "VoiceCluster.RelayClient.dll");

    private static string Metadata(string key) =>
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
