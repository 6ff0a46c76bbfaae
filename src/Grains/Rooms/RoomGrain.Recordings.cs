using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;

namespace VoiceCluster.Grains.Rooms;

/// <summary>
/// Recordings of the room: they run on its first media node, which gets by pipes what other nodes have, and go on where the room moves.
/// </summary>
public sealed partial class RoomGrain
{
    /// <summary>Recordings of one room at a time. Each costs the node all its participants' files.</summary>
    private const int MaxRecordings = 4;

    // Which node was told of a recording. Another one, or another activation of this grain, is told again.
    private readonly Dictionary<Guid, MediaNodeId> _recordedOn = [];

    /// <inheritdoc/>
    public async Task<Outcome<Done>> StartRecordingAsync(Guid recordingId, RecordingPlan plan)
    {
        if (_room.IsEmpty)
        {
            await CloseIfEmptyAsync();
            return await FinishAsync(new Fault(FaultCode.Conflict, "There is nobody in the room."));
        }

        var recording = _state.Recordings.Find(r => r.Id == recordingId);
        if (recording is null && _state.Recordings.Count >= MaxRecordings)
        {
            return await FinishAsync(new Fault(FaultCode.Conflict, $"A room has {MaxRecordings} recordings at most."));
        }

        recording ??= new RoomRecording(recordingId, plan);
        if (await RecordAsync(recording) is { } failed)
        {
            return await FinishAsync(failed);
        }

        if (!_state.Recordings.Contains(recording))
        {
            _state.Recordings.Add(recording);
            _unsaved = true;
            await _media.BringRecordedAsync();
        }

        return await FinishAsync(Done.Instance);
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> StopRecordingAsync(Guid recordingId)
    {
        if (_state.Recordings.Find(r => r.Id == recordingId) is not { } recording)
        {
            await CloseIfEmptyAsync();
            return await FinishAsync(Done.Instance);
        }

        var stopped = await _media.ExecuteAtFirstAsync(new StopRecording(recordingId));
        if (stopped.Fault is { Code: FaultCode.Unavailable } away)
        {
            return await FinishAsync(away);
        }

        _state.Recordings.Remove(recording);
        _recordedOn.Remove(recordingId);
        _unsaved = true;
        return await FinishAsync(Done.Instance);
    }

    private async Task<Fault?> RecordAsync(RoomRecording recording)
    {
        var started = await _media.ExecuteAtFirstAsync(new StartRecording(recording.Id, recording.Plan));
        if (started.Fault is { } fault)
        {
            LogNotRecorded(logger, _name, recording.Id, fault.Message);
            return fault;
        }

        _recordedOn[recording.Id] = _state.Node!;
        return null;
    }

    /// <summary>Tells a node that the room has moved to. What fails now is tried again by maintenance.</summary>
    private async Task ReviewRecordingsAsync()
    {
        RoomRecording[] elsewhere = [.. _state.Recordings.Where(r => _recordedOn.GetValueOrDefault(r.Id) != _state.Node)];
        foreach (var recording in elsewhere)
        {
            await RecordAsync(recording);
        }

        if (elsewhere.Length > 0)
        {
            await _media.BringRecordedAsync();
        }
    }

    private async Task EndRecordingsAsync()
    {
        foreach (var recording in _state.Recordings)
        {
            await GrainFactory.GetGrain<IRecordingGrain>(recording.Id).RoomEndedAsync();
        }

        _state.Recordings.Clear();
        _recordedOn.Clear();
    }

    [LoggerMessage(4030, LogLevel.Warning, "Room {Room}: recording {Recording} was not begun: {Reason}")]
    private static partial void LogNotRecorded(ILogger logger, string room, Guid recording, string reason);
}
