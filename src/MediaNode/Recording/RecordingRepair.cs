using VoiceCluster.Media.Recording;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>Makes whole files of those that a crash has left: without their torn end, and with an end that says so.</summary>
internal static class RecordingRepair
{
    /// <summary>Repairs the files of one stretch and closes its manifest.</summary>
    public static void Run(string manifestPath)
    {
        if (RecordingManifest.TryRead(manifestPath) is not { IsClosed: false } manifest)
        {
            return;
        }

        var directory = Path.GetDirectoryName(manifestPath)!;
        var files = manifest.Files.Select(f => f.Duration is null && Repair(Path.Combine(directory, f.Name)) is { } duration ? f with { Duration = duration } : f);
        (manifest with { IsClosed = true, Files = [.. files] }).Write(manifestPath);
    }

    // µs that it plays; null for a file that is not there.
    private static long? Repair(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        return Path.GetExtension(path) == ".ogg" ? TornFile.RepairOgg(stream) : TornFile.RepairMatroska(stream);
    }
}
