using Microsoft.Extensions.Logging;
using Orleans.Storage;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>How a session ends: it leaves the room, tells its user and the world, and its row goes once the event is stored.</summary>
public sealed partial class VoiceSessionGrain
{
    /// <inheritdoc/>
    public async Task EndAsync(LeaveReason reason)
    {
        if (store.State.Session is null || _hasEnded)
        {
            return;
        }

        try
        {
            await Room.LeaveAsync(ParticipantId, reason);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // Without renewals the room ends it, and reports that nobody listens to here.
            LogRoomAway(logger, e, ParticipantId);
        }

        await FinishEndAsync(reason);
    }

    /// <summary>The room does not know the participant any more, and did not say why: its media is gone with it.</summary>
    private async Task<Fault> EndLostAsync()
    {
        await FinishEndAsync(LeaveReason.ConnectionLost);
        return NotFound();
    }

    private async Task<Fault> AbandonAsync(IRoomGrain room, Fault fault)
    {
        await room.LeaveAsync(ParticipantId, LeaveReason.Left);
        DeactivateOnIdle();
        return fault;
    }

    private async Task FinishEndAsync(LeaveReason reason)
    {
        var session = store.State.Session!;
        LogEnded(logger, ParticipantId, reason);
        _hasEnded = true;
        Emit("voice.session.ended", reason);
        var own = _view?.Own ?? new ParticipantInfo(
            ParticipantId, session.UserId, "", session.DisplayName, Door, session.Muted, session.Deafened);
        _notices.Add(new VoiceChangedNotice(VoiceChange.Ended, session.ChannelId, own, reason));
        PublishSilence();
        await TellAsync();
        var user = GrainFactory.GetGrain<IVoiceUserGrain>(session.UserId);
        await user.SessionEndedAsync(session.Id);
        await StoreEndAsync();
    }

    /// <summary>The end is stored with its event, and then the row goes. A store that is away is tried again by the timer.</summary>
    private async Task StoreEndAsync()
    {
        var session = store.State.Session;
        store.State.Session = null;
        if (!await SaveAsync())
        {
            store.State.Session = session;
            return;
        }

        _timer?.Dispose();
        _timer = null;
        await StopReminderAsync();
        try
        {
            await store.ClearStateAsync();
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            // A row without a session says the same as none.
            LogStoreAway(logger, e, ParticipantId);
        }

        DeactivateOnIdle();
    }

    private async Task StopReminderAsync()
    {
        try
        {
            if (await this.GetReminder(ReminderName) is { } reminder)
            {
                await this.UnregisterReminder(reminder);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // It ends itself at its next tick.
            LogStoreAway(logger, e, ParticipantId);
        }
    }

    [LoggerMessage(4311, LogLevel.Information, "Voice session {Session} ended ({Reason})")]
    private static partial void LogEnded(ILogger logger, string session, LeaveReason reason);
}
