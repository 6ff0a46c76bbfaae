using System.Text.Json;
using VoiceCluster.Browser.Tests;

namespace VoiceCluster.Events.Tests.Schemas;

/// <summary>The schema files of docs/schemas.</summary>
internal static class EventSchemas
{
    public static string Folder { get; } = Path.Combine(Repository.Root, "docs", "schemas", "events");

    public static string InboundFolder { get; } = Path.Combine(Repository.Root, "docs", "schemas", "inbound");

    /// <summary>Types of the events that have a schema, with its version.</summary>
    public static IEnumerable<(string Type, int Version)> Named(string folder) => Directory.EnumerateFiles(folder, "*.json")
        .Select(f => Path.GetFileNameWithoutExtension(f)!)
        .Where(f => f != "common.v1")
        .Select(f => (f[..f.LastIndexOf(".v", StringComparison.Ordinal)], int.Parse(f[(f.LastIndexOf(".v", StringComparison.Ordinal) + 2)..], System.Globalization.CultureInfo.InvariantCulture)));

    /// <summary>Asserts that an envelope is as its schema says, and has nothing that the schema does not describe.</summary>
    public static void AssertValid(JsonElement envelope, string subject)
    {
        Assert.Equal(subject, envelope.GetProperty("type").GetString());
        var version = envelope.GetProperty("version").GetInt32();
        var errors = JsonSchema.Load(Path.Combine(Folder, $"{subject}.v{version}.json")).Validate(envelope);
        Assert.True(errors.Count == 0, $"{subject}: {string.Join("; ", errors)}\n{envelope}");
    }
}
