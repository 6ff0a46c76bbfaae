using Microsoft.Extensions.Options;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>Section Recording: where a media node writes recordings, and how much.</summary>
public sealed class RecordingOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Recording";

    /// <summary>The directory, made when it is missing. Default <c>recordings</c> in <c>Data:Path</c>. Empty: this node does not record.</summary>
    public string? Path { get; set; }

    /// <summary>The longest recording, whatever a call allows. Default 12 h.</summary>
    public TimeSpan MaxDuration { get; set; } = TimeSpan.FromHours(12);

    /// <summary>The most bytes of one recording on this node, whatever a call allows. Default 32 GiB.</summary>
    public long MaxBytes { get; set; } = 32L * 1024 * 1024 * 1024;

    /// <summary>Files of one stretch of a recording on this node. Default 500.</summary>
    public int MaxFiles { get; set; } = 500;

    /// <summary>Recordings at a time on this node. Default 100.</summary>
    public int MaxRecordings { get; set; } = 100;

    /// <summary>Bytes between a worker and the writer of files, a power of two: what the disk may be late. Default 16 MiB a worker that records.</summary>
    public int QueueBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>How often sizes are reported while a recording runs. Default 10 s.</summary>
    public TimeSpan ReportEvery { get; set; } = TimeSpan.FromSeconds(10);
}

/// <summary>Finds all faults of <see cref="RecordingOptions"/> at once.</summary>
public sealed class RecordingOptionsValidator : IValidateOptions<RecordingOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, RecordingOptions options)
    {
        List<string> faults = [];
        if (options.Path is { Length: > 0 } path && (path.Contains('\0') || File.Exists(path)))
        {
            faults.Add($"Recording:Path is '{path}'; it must be a directory.");
        }

        if (options.MaxDuration < TimeSpan.FromSeconds(1) || options.MaxDuration > TimeSpan.FromDays(2))
        {
            faults.Add($"Recording:MaxDuration is {options.MaxDuration}; it must be from 1 s to 2 days.");
        }

        if (options.ReportEvery < TimeSpan.FromSeconds(1) || options.ReportEvery > TimeSpan.FromMinutes(10))
        {
            faults.Add($"Recording:ReportEvery is {options.ReportEvery}; it must be from 1 s to 10 min.");
        }

        if (!System.Numerics.BitOperations.IsPow2(options.QueueBytes))
        {
            faults.Add($"Recording:QueueBytes is {options.QueueBytes}; it must be a power of two.");
        }

        Range(faults, nameof(options.MaxBytes), options.MaxBytes, 1024 * 1024, long.MaxValue);
        Range(faults, nameof(options.MaxFiles), options.MaxFiles, 1, 2_000);
        Range(faults, nameof(options.MaxRecordings), options.MaxRecordings, 1, 10_000);
        Range(faults, nameof(options.QueueBytes), options.QueueBytes, 256 * 1024, 1024 * 1024 * 1024);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void Range(List<string> faults, string option, long value, long least, long most)
    {
        if (value < least || value > most)
        {
            faults.Add($"Recording:{option} is {value}; it must be from {least} to {most}.");
        }
    }
}
