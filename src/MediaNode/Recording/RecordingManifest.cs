using System.Text.Json;
using System.Text.Json.Serialization;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>What a node notes beside the files of one stretch, so that a later start of it knows what they are.</summary>
internal sealed record RecordingManifest(string Room, bool IsClosed, ManifestFile[] Files)
{
    /// <summary>Reads it; null when there is none that can be read.</summary>
    public static RecordingManifest? TryRead(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), ManifestJson.Default.RecordingManifest) is { Room: not null, Files: not null } read
                && read.Files.All(static f => f is { Name: not null, ContentType: not null }) ? read : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Writes it whole or not at all.</summary>
    public void Write(string path)
    {
        var draft = path + ".new";
        File.WriteAllBytes(draft, JsonSerializer.SerializeToUtf8Bytes(this, ManifestJson.Default.RecordingManifest));
        File.Move(draft, path, overwrite: true);
    }
}

/// <summary>One file of it.</summary>
/// <param name="Kind">As in the abstractions: Audio, Mix, Video.</param>
/// <param name="StartedAt">Unix time, µs.</param>
/// <param name="Duration">µs; null while it is written.</param>
internal sealed record ManifestFile(string Name, int Kind, string? ParticipantId, string ContentType, long StartedAt, long? Duration);

[JsonSerializable(typeof(RecordingManifest))]
[JsonSourceGenerationOptions(WriteIndented = true)]
internal sealed partial class ManifestJson : JsonSerializerContext;
