using Microsoft.Extensions.Options;

namespace VoiceCluster.Grains.CallSessions;

/// <summary>Limits of call sessions, section <c>CallSessions</c>.</summary>
public sealed class CallSessionOptions
{
    /// <summary>The section of the configuration.</summary>
    public const string Section = "CallSessions";

    /// <summary>The longest call session. Default 24 h.</summary>
    public TimeSpan MaxDuration { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Participants of one session. Default 200.</summary>
    public int MaxParticipants { get; set; } = 200;

    /// <summary>Recordings of one session, one after the other. Default 100.</summary>
    public int MaxRecordings { get; set; } = 100;

    /// <summary>When a recording stops by itself. Default 4 h.</summary>
    public TimeSpan MaxRecordingDuration { get; set; } = TimeSpan.FromHours(4);

    /// <summary>The bytes of all files of a recording at which it stops by itself. Default 8 GiB.</summary>
    public long MaxRecordingBytes { get; set; } = 8L * 1024 * 1024 * 1024;
}

/// <summary>All faults of the options at once.</summary>
public sealed class CallSessionOptionsValidator : IValidateOptions<CallSessionOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, CallSessionOptions options)
    {
        List<string> faults = [];
        if (options.MaxDuration < TimeSpan.FromSeconds(1) || options.MaxDuration > TimeSpan.FromDays(30))
        {
            faults.Add($"CallSessions:MaxDuration is {options.MaxDuration}; it must be 1 s to 30 days.");
        }

        if (options.MaxParticipants is < 1 or > 10_000)
        {
            faults.Add($"CallSessions:MaxParticipants is {options.MaxParticipants}; it must be 1 to 10000.");
        }

        if (options.MaxRecordings is < 1 or > 1_000)
        {
            faults.Add($"CallSessions:MaxRecordings is {options.MaxRecordings}; it must be 1 to 1000.");
        }

        if (options.MaxRecordingDuration < TimeSpan.FromSeconds(1) || options.MaxRecordingDuration > TimeSpan.FromDays(1))
        {
            faults.Add($"CallSessions:MaxRecordingDuration is {options.MaxRecordingDuration}; it must be 1 s to 1 day.");
        }

        if (options.MaxRecordingBytes < 1024 * 1024)
        {
            faults.Add($"CallSessions:MaxRecordingBytes is {options.MaxRecordingBytes}; it must be 1 MiB at least.");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
