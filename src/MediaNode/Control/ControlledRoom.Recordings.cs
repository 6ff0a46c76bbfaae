using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Recording;

namespace VoiceCluster.MediaNode.Control;

/// <summary>What is recorded of the room.</summary>
internal sealed partial class ControlledRoom
{
    private readonly Dictionary<Guid, RunningRecording> _recordings = [];

    // The consumers of recorders and of pipes are nobody's wish but theirs: reconciliation of clients' media leaves them alone.
    private IEnumerable<Consumer> ClientConsumers() => _router!.Consumers.Values.Where(static c => c.Transport is not (RecorderTransport or PlainTransport) && !IsPiped(c));

    private Outcome<MediaReply> StartRecording(StartRecording command, MediaWorker worker, long now)
    {
        if (_recordings.TryGetValue(command.RecordingId, out var running) && running.Recorder is { IsClosed: false })
        {
            return new MediaDone();
        }

        if (recordings is null)
        {
            return new Fault(FaultCode.Unsupported, "This media node does not record.");
        }

        if (running is { IsStopped: true })
        {
            // It has reached its limit or failed on this node, and the grain has been told.
            return new MediaDone();
        }

        var started = recordings.Start(command.RecordingId, command.Plan, _router!, thread, worker, now);
        if (started.Fault is { } fault)
        {
            return fault;
        }

        _recordings[command.RecordingId] = started.Value!;
        return new MediaDone();
    }

    private void StopRecording(Guid id, long now)
    {
        if (_recordings.Remove(id, out var running))
        {
            running.IsStopped = true;
            running.Recorder?.Close(now);
        }
    }
}
