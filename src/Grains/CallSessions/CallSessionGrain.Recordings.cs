using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Recordings;

namespace VoiceCluster.Grains.CallSessions;

/// <summary>The session's recordings, one at a time.</summary>
public sealed partial class CallSessionGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<RecordingInfo>> StartRecordingAsync(Guid byUserId)
    {
        await NoteExpiryAsync();
        if (store.State.Session is not { } session)
        {
            return NotFound();
        }

        if (CallSession.CheckRecorder(session, byUserId) is { } fault)
        {
            return fault;
        }

        if (session.ActiveRecording is { } active && (await Recording(active).GetAsync()).Value is { IsOver: false })
        {
            return new Fault(FaultCode.Conflict, "The call is being recorded already.");
        }

        if (session.Recordings.Length >= options.Value.MaxRecordings)
        {
            return new Fault(FaultCode.Full, $"A call has {options.Value.MaxRecordings} recordings at most.");
        }

        var id = Guid.CreateVersion7(time.GetUtcNow());
        var limits = options.Value;
        var started = await Recording(id).StartAsync(new RecordingRequest(
            session.Id,
            session.Room,
            byUserId,
            session.Find(byUserId)!.User.Text,
            new RecordingPlan(true, true, session.Type == CallSessionType.Video, limits.MaxRecordingDuration, limits.MaxRecordingBytes)));
        if (started.Fault is not null)
        {
            return started;
        }

        await ChangeAsync(
            s => s with { Recordings = [.. s.Recordings, id], ActiveRecording = id }, CallSessionChange.RecordingStarted, byUserId, byUserId);
        return started;
    }

    /// <inheritdoc/>
    public async Task<Outcome<RecordingInfo>> StopRecordingAsync(Guid byUserId)
    {
        await NoteExpiryAsync();
        if (store.State.Session is not { } session)
        {
            return NotFound();
        }

        if (CallSession.CheckRecorder(session, byUserId) is { } fault)
        {
            return fault;
        }

        if (session.ActiveRecording is not { } active)
        {
            return new Fault(FaultCode.Conflict, "The call is not being recorded.");
        }

        var stopped = await Recording(active).StopAsync();
        if (stopped.Fault is null)
        {
            await ChangeAsync(s => s with { ActiveRecording = null }, CallSessionChange.RecordingStopped, byUserId, byUserId);
        }

        return stopped;
    }

    /// <inheritdoc/>
    public async Task<Outcome<RecordingInfo[]>> GetRecordingsAsync(Guid? userId)
    {
        if (Current() is not { } session)
        {
            return NotFound();
        }

        if (CallSession.CheckReader(session, store.State.Past, userId) is { } fault)
        {
            return fault;
        }

        var recordings = await Task.WhenAll(session.Recordings.Select(id => Recording(id).GetAsync()));
        return (RecordingInfo[])[.. recordings.Where(r => r.Fault is null).Select(r => r.Value!)];
    }

    /// <inheritdoc/>
    public async Task<Outcome<RecordingInfo>> DeleteRecordingAsync(Guid byUserId, Guid recordingId)
    {
        await NoteExpiryAsync();
        if (store.State.Session is not { } session)
        {
            return NotFound();
        }

        if (CallSession.CheckReader(session, store.State.Past, byUserId) is { } stranger)
        {
            return stranger;
        }

        if (!session.Recordings.Contains(recordingId))
        {
            return NoRecording();
        }

        // One that an earlier try has deleted, and whose end was not noted here, is deleted now.
        var recording = await Recording(recordingId).GetAsync();
        var startedBy = recording.Value?.StartedBy ?? session.Creator.UserId;
        if (CallSession.CheckDeleter(session, store.State.Past, startedBy, byUserId) is { } forbidden)
        {
            return forbidden;
        }

        if (recording.Fault is null && (await Recording(recordingId).DeleteAsync()).Fault is { } refused)
        {
            return refused;
        }

        await ChangeAsync(
            s => s with { Recordings = [.. s.Recordings.Where(r => r != recordingId)] }, CallSessionChange.RecordingDeleted, byUserId, byUserId);
        return recording.Value is { } deleted ? deleted : NoRecording();
    }

    private static Fault NoRecording() => new(FaultCode.NotFound, "There is no such recording.");

    private IRecordingGrain Recording(Guid id) => GrainFactory.GetGrain<IRecordingGrain>(id);

    /// <summary>The end of the session does not wait for a recording that cannot be ended now: it ends with the room.</summary>
    private async Task StopQuietlyAsync(Guid recordingId)
    {
        try
        {
            await Recording(recordingId).StopAsync();
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogRecordingAway(logger, e, this.GetPrimaryKey(), recordingId);
        }
    }

    [LoggerMessage(4342, LogLevel.Warning, "Call session {Session}: its recording {Recording} could not be reached")]
    private static partial void LogRecordingAway(ILogger logger, Exception exception, Guid session, Guid recording);
}
