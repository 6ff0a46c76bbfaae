using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Notifications;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.CallSessions;

/// <summary>
/// The shell of <see cref="CallSession"/>: it stores each change with its event, then has the room enforce it, then tells the
/// participants. A reminder ends a session whose time is over, also when no activation lives.
/// </summary>
public sealed partial class CallSessionGrain(
    [PersistentState("call-session", GrainStores.CallSessions)] IPersistentState<CallSessionState> store,
    IOptions<CallSessionOptions> options,
    TimeProvider time,
    ILogger<CallSessionGrain> logger) : Grain, ICallSessionGrain, IRemindable
{
    private const string ReminderName = "call-session";

    // Orleans reminders tick once a minute at most.
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    /// <summary>Those who left that are remembered; the oldest are forgotten first.</summary>
    private const int MaxPast = 1_000;

    private IRoomGrain Room => GrainFactory.GetGrain<IRoomGrain>(CallSessionInfo.RoomOf(this.GetPrimaryKey()));

    /// <inheritdoc/>
    public async Task<Outcome<CallSessionInfo>> CreateAsync(NewCallSession request)
    {
        if (store.State.Session is { } present)
        {
            return present.Creator.UserId == request.Creator.UserId ? present : new Fault(FaultCode.Conflict, "The call exists already.");
        }

        var now = time.GetUtcNow();
        var created = CallSession.Create(this.GetPrimaryKey(), request, now, options.Value.MaxDuration);
        if (created.Fault is not null)
        {
            return created;
        }

        // Before the state: a reminder of a session that never began ends itself, a session without one might never end.
        await this.RegisterOrUpdateReminder(ReminderName, created.Value!.ExpiresAt - now, ReminderPeriod);
        await SaveAsync(created.Value!, EventTypes.CallSessionCreated, null, request.Creator.UserId, request.Creator.UserId);
        LogCreated(logger, this.GetPrimaryKey(), request.Creator.Text);
        return created;
    }

    /// <inheritdoc/>
    public Task<Outcome<CallSessionInfo>> GetAsync(Guid? userId) => Task.FromResult<Outcome<CallSessionInfo>>(
        Current() is not { } session ? NotFound()
        : CallSession.CheckReader(session, store.State.Past, userId) is { } fault ? fault
        : session);

    /// <inheritdoc/>
    public async Task<Outcome<CallSessionInfo>> JoinAsync(ChatUser user) =>
        await ChangeAsync(s => CallSession.Join(s, user, time.GetUtcNow(), options.Value.MaxParticipants), CallSessionChange.Joined, user.UserId, user.UserId);

    /// <inheritdoc/>
    public async Task<Outcome<CallSessionInfo>> LeaveAsync(Guid userId)
    {
        var left = await ChangeAsync(s => CallSession.Leave(s, userId, time.GetUtcNow()), CallSessionChange.Left, userId, userId);
        if (left.Fault is null)
        {
            await EnforceAsync(room => room.RemoveUserAsync(userId, LeaveReason.Left));
        }

        return left;
    }

    /// <inheritdoc/>
    public async Task<Outcome<CallSessionInfo>> SetMutedAsync(Guid byUserId, Guid userId, bool muted)
    {
        var changed = await ChangeAsync(
            s => CallSession.SetMuted(s, byUserId, userId, muted), muted ? CallSessionChange.Muted : CallSessionChange.Unmuted, userId, byUserId);
        if (changed.Fault is null)
        {
            await EnforceAsync(async room =>
            {
                foreach (var participant in (await room.GetSnapshotAsync()).Participants.Where(p => p.UserId == userId))
                {
                    await room.SetVoiceStateAsync(participant.ParticipantId, muted, participant.Deafened);
                }
            });
        }

        return changed;
    }

    /// <inheritdoc/>
    public async Task<Outcome<CallSessionInfo>> KickAsync(Guid byUserId, Guid userId)
    {
        var kicked = await ChangeAsync(s => CallSession.Kick(s, byUserId, userId), CallSessionChange.Kicked, userId, byUserId);
        if (kicked.Fault is null)
        {
            await EnforceAsync(room => room.RemoveUserAsync(userId, LeaveReason.Removed));
        }

        return kicked;
    }

    /// <inheritdoc/>
    public async Task<Outcome<CallSessionInfo>> SetRoleAsync(Guid byUserId, Guid userId, CallRole role) =>
        await ChangeAsync(s => CallSession.SetRole(s, byUserId, userId, role), CallSessionChange.Role, userId, byUserId);

    /// <inheritdoc/>
    public async Task<Outcome<CallSessionInfo>> SetQualityAsync(Guid byUserId, Guid userId, int quality)
    {
        var changed = await ChangeAsync(
            s => CallSession.SetQuality(s, byUserId, userId, quality), CallSessionChange.Quality, userId, byUserId);
        if (changed.Fault is null)
        {
            await EnforceAsync(room => room.SetReceiveQualityAsync(userId, quality));
        }

        return changed;
    }

    /// <inheritdoc/>
    public Task<Outcome<CallParticipant>> AdmitAsync(Guid userId) => Task.FromResult<Outcome<CallParticipant>>(
        Current() is not { } session ? NotFound()
        : CallSession.CheckOpen(session) is { } over ? over
        : session.Find(userId) is { } participant ? participant
        : new Fault(FaultCode.Forbidden, "The user has not joined the call."));

    /// <inheritdoc/>
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (Current() is { IsOver: false })
        {
            return;
        }

        await NoteExpiryAsync();
        if (await this.GetReminder(ReminderName) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }

    private static Fault NotFound() => new(FaultCode.NotFound, "There is no such call.");

    /// <summary>The session at this moment: one whose time is over has ended, also before that was written.</summary>
    private CallSessionInfo? Current() => store.State.Session is { } session ? CallSession.At(session, time.GetUtcNow()) : null;

    private async Task NoteExpiryAsync()
    {
        if (store.State.Session is { IsOver: false } stored && Current() is { IsOver: true } ended)
        {
            await SaveAsync(ended, EventTypes.CallSessionEnded, CallSessionChange.Ended, null, null);
            await CloseAsync(stored);
        }
    }

    /// <summary>Carries out a rule: stores what changed with its event, and tells the participants, those who are gone by it too.</summary>
    private async Task<Outcome<CallSessionInfo>> ChangeAsync(
        Func<CallSessionInfo, Outcome<CallSessionInfo>> rule, CallSessionChange change, Guid userId, Guid by)
    {
        await NoteExpiryAsync();
        if (store.State.Session is not { } before)
        {
            return NotFound();
        }

        var after = rule(before);
        if (after.Fault is not null || IsSame(before, after.Value!))
        {
            return after;
        }

        await SaveAsync(after.Value!, TypeOf(change), change, userId, by);
        if (after.Value!.IsOver && !before.IsOver)
        {
            await CloseAsync(before);
        }

        return after;
    }

    private static bool IsSame(CallSessionInfo before, CallSessionInfo after) =>
        before.EndedAt == after.EndedAt && before.ActiveRecording == after.ActiveRecording
        && before.Recordings.SequenceEqual(after.Recordings) && before.Participants.SequenceEqual(after.Participants);

    private static string TypeOf(CallSessionChange change) => change switch
    {
        CallSessionChange.Joined => EventTypes.CallSessionJoined,
        CallSessionChange.Left or CallSessionChange.Kicked => EventTypes.CallSessionLeft,
        CallSessionChange.Ended => EventTypes.CallSessionEnded,
        _ => EventTypes.CallSessionUpdated,
    };

    /// <summary>The room and the recording go with the session.</summary>
    private async Task CloseAsync(CallSessionInfo before)
    {
        if (before.ActiveRecording is { } recording)
        {
            await StopQuietlyAsync(recording);
        }

        await EnforceAsync(room => room.CloseAsync(LeaveReason.RoomClosed));
    }

    /// <summary>The session's word is stored; a room that cannot be reached now hears it at its next review.</summary>
    private async Task EnforceAsync(Func<IRoomGrain, Task> enforce)
    {
        try
        {
            await enforce(Room);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogRoomAway(logger, e, this.GetPrimaryKey());
        }
    }

    private async Task SaveAsync(CallSessionInfo after, string type, CallSessionChange? change, Guid? userId, Guid? by)
    {
        var (before, now) = (store.State, time.GetUtcNow());
        var past = change == CallSessionChange.Left && !before.Past.Contains(userId!.Value) ? [.. before.Past.TakeLast(MaxPast - 1), userId.Value] : before.Past;
        store.State = new CallSessionState { Session = after, Past = past, PendingEvents = [.. before.PendingEvents, EventOf(after, type, change, userId, by, now)] };
        if (after.IsOver && before.Session is not { IsOver: true } && type != EventTypes.CallSessionEnded)
        {
            store.State.PendingEvents.Add(EventOf(after, EventTypes.CallSessionEnded, CallSessionChange.Ended, null, by, now));
        }

        try
        {
            await store.WriteStateAsync();
        }
        catch (Exception)
        {
            // Whether it was written is unknown: the next request reads it anew.
            store.State = before;
            DeactivateOnIdle();
            throw;
        }

        if (change is { } what)
        {
            await TellAsync(before.Session, after, what, userId);
        }
    }

    private static CallSessionEvent EventOf(
        CallSessionInfo session, string type, CallSessionChange? change, Guid? userId, Guid? by, DateTimeOffset now) => new(
        Guid.CreateVersion7(now),
        type,
        now,
        session.Id,
        session.Type,
        change,
        userId,
        by,
        type == EventTypes.CallSessionEnded ? session.EndReason
            : change == CallSessionChange.Kicked ? CallSessionEnd.Kicked
            : change == CallSessionChange.Left ? CallSessionEnd.Left
            : null,
        [.. session.Participants.Select(p => new CallEventParticipant(p.User.UserId, p.Role, p.Muted, p.Quality))]);

    private async Task TellAsync(CallSessionInfo? before, CallSessionInfo after, CallSessionChange change, Guid? userId)
    {
        var user = userId is { } id ? (after.Find(id) ?? before?.Find(id))?.User : null;
        Notification[] told = after.IsOver && before is not { IsOver: true } && change != CallSessionChange.Ended
            ? [new CallSessionNotification(after, change, user), new CallSessionNotification(after, CallSessionChange.Ended, null)]
            : [new CallSessionNotification(after, change, user)];
        foreach (var listener in after.Participants.Concat(before?.Participants ?? []).Select(p => p.User.UserId).Distinct())
        {
            await GrainFactory.GetGrain<INotificationsGrain>(listener).PushAsync(told);
        }
    }

    [LoggerMessage(4340, LogLevel.Information, "Call session {Session} of {User}")]
    private static partial void LogCreated(ILogger logger, Guid session, string user);

    [LoggerMessage(4341, LogLevel.Warning, "Call session {Session}: its room could not be reached; it asks again by itself")]
    private static partial void LogRoomAway(ILogger logger, Exception exception, Guid session);
}
