using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Recordings;

namespace VoiceCluster.Grains.Recordings;

/// <summary>The rules of a recording without any runtime: its states, and which files it has.</summary>
public static class Recording
{
    /// <summary>Files of one recording at most: a node that says more is not believed.</summary>
    public const int MaxFiles = 2_000;

    private const int MaxName = 128;

    /// <summary>A new recording.</summary>
    public static RecordingInfo Create(Guid id, RecordingRequest request, DateTimeOffset now) => new(
        id,
        request.CallId,
        request.Room,
        request.StartedBy,
        request.StartedByText,
        request.Plan,
        RecordingStatus.Starting,
        now,
        null,
        null,
        null,
        []);

    /// <summary>It failed, for a reason; what is over stays as it is.</summary>
    public static RecordingInfo Fail(RecordingInfo recording, string error, DateTimeOffset now) =>
        recording.IsOver ? recording : recording with { Status = RecordingStatus.Failed, EndedAt = now, Error = error };

    /// <summary>It ended as it should; what is over stays as it is.</summary>
    public static RecordingInfo Stop(RecordingInfo recording, DateTimeOffset now) =>
        recording.IsOver ? recording : recording with { Status = RecordingStatus.Stopped, EndedAt = now };

    /// <summary>
    /// Takes what a node says. Its files replace those that it told of before; a file of another node stays. A state never goes
    /// back: a late report changes the files alone.
    /// </summary>
    public static Outcome<RecordingInfo> Report(RecordingInfo recording, RecordingReport report, DateTimeOffset now)
    {
        if (report.Status == RecordingStatus.Starting || report.Files.Any(f => !IsName(f.Name) || f.Node != report.Node.Name || f.Size < 0))
        {
            return new Fault(FaultCode.Invalid, "The report is not one of a media node's own files.");
        }

        RecordingFile[] files = [.. recording.Files.Where(f => f.Node != report.Node.Name), .. report.Files];
        if (files.Length > MaxFiles || files.DistinctBy(f => f.Name).Count() != files.Length)
        {
            return new Fault(FaultCode.Conflict, "Names of files must be unique, and there may not be too many.");
        }

        recording = recording with { Files = files };
        return report.Status switch
        {
            RecordingStatus.Recording when recording.Status == RecordingStatus.Starting =>
                recording with { Status = RecordingStatus.Recording, StartedAt = now },
            RecordingStatus.Stopped => Stop(recording, now),
            RecordingStatus.Failed => Fail(recording, report.Error ?? "The media node could not go on.", now),
            _ => recording,
        };
    }

    /// <summary>Whether a recording that runs has lasted longer, or has more bytes, than its plan allows.</summary>
    public static bool IsBeyondPlan(RecordingInfo recording, DateTimeOffset now) => !recording.IsOver
        && (now - (recording.StartedAt ?? now) >= recording.Plan.MaxDuration || recording.Files.Sum(f => f.Size) >= recording.Plan.MaxBytes);

    /// <summary>What the world is told of a change, if anything: a beginning and an end.</summary>
    public static RecordingEvent? EventOf(RecordingInfo? before, RecordingInfo after, DateTimeOffset now)
    {
        if (before?.Status == after.Status)
        {
            return null;
        }

        var type = after.Status switch
        {
            RecordingStatus.Recording => EventTypes.RecordingStarted,
            RecordingStatus.Stopped => EventTypes.RecordingStopped,
            RecordingStatus.Failed => EventTypes.RecordingFailed,
            _ => null,
        };
        return type is null ? null : new RecordingEvent(
            Guid.CreateVersion7(now),
            type,
            now,
            after.Id,
            after.CallId,
            after.Room,
            after.StartedBy,
            after.Status,
            after.Error,
            [.. after.Files.Select(f => new RecordingEventFile(f.Name, f.Kind, f.UserId, f.Size, f.Duration.TotalSeconds, f.IsComplete))]);
    }

    /// <summary>Whether a name is a plain one, which no path can be made of.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= MaxName && name[0] != '.' && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
