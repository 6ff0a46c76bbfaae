using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Routing;

namespace VoiceCluster.Media.Workers;

/// <summary>Recorders of the worker's rooms.</summary>
public sealed partial class MediaWorker
{
    /// <summary>Begins to record a room of this worker into a queue that this worker alone fills.</summary>
    public MediaResult<RecorderTransport> StartRecorder(Router router, string id, RecordingQueue queue, RecordedTracks tracks, object? tag, long now)
    {
        var started = router.Record(id, queue, tracks, tag, now);
        if (started.IsOk)
        {
            _deadlines.Set(new RecorderTimer(this, started.Value), now);
        }

        return started;
    }

    /// <summary>A recorder's reports. It leaves the heap once the recorder is closed, by whomever.</summary>
    private sealed class RecorderTimer(MediaWorker worker, RecorderTransport recorder) : Timed
    {
        internal override long Run(long now)
        {
            var next = recorder.Advance(now);
            if (recorder.IsClosed)
            {
                worker._deadlines.Remove(this);
            }

            return next;
        }
    }
}
