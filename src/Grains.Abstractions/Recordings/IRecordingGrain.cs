using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.Recordings;

/// <summary>
/// One recording of a room, keyed by its id: its state and the index of its files. The room commands the media node, which
/// writes the files and reports here. Whoever asks has been found entitled by the call.
/// </summary>
[Alias("vc.IRecordingGrain")]
public interface IRecordingGrain : IGrainWithGuidKey
{
    /// <summary>
    /// Starts it. The same request again is answered with the state. Unsupported where the media node cannot record;
    /// Unavailable when there is none now: then the recording has failed, and another one may be tried.
    /// </summary>
    Task<Outcome<RecordingInfo>> StartAsync(RecordingRequest request);

    /// <summary>Ends it. Ending one that is over is no error.</summary>
    Task<Outcome<RecordingInfo>> StopAsync();

    /// <summary>The recording as it is now.</summary>
    Task<Outcome<RecordingInfo>> GetAsync();

    /// <summary>
    /// A media node tells of its files and of its end of it. Gone says that the recording was deleted, and the node deletes what
    /// it has of it; NotFound, Invalid and Conflict are final too, any other failure is a reason to report again later.
    /// </summary>
    Task<Outcome<Done>> ReportAsync(RecordingReport report);

    /// <summary>
    /// Deletes it, and its files as soon as their nodes report again. Conflict while it runs. Deleting one that is gone is no error.
    /// </summary>
    Task<Outcome<Done>> DeleteAsync();

    /// <summary>The room is empty and closed: nothing more comes.</summary>
    [OneWay]
    Task RoomEndedAsync();
}
