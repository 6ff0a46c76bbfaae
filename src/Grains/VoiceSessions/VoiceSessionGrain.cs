using Microsoft.Extensions.Logging;
using Orleans.Storage;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>
/// The session's life: it is the participant in the channel's room, renews its place there, and ends when the room says so.
/// A reminder stands behind its timer, so that a session of a crashed cluster ends as well, with its event.
/// </summary>
public sealed partial class VoiceSessionGrain(
    [PersistentState("voice-session", GrainStores.VoiceSessions)] IPersistentState<VoiceSessionState> store,
    TimeProvider time,
    ILogger<VoiceSessionGrain> logger) : Grain, IVoiceSessionGrain, IRoomObserver, IRemindable
{
    private const string ReminderName = "voice-session";
    private const string Door = "voice";

    // Orleans reminders tick once a minute at most.
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private readonly List<VoiceNotice> _notices = [];
    private VoiceChannelView? _view;
    private IGrainTimer? _timer;
    private bool _unsaved;

    // Not null while the end is not stored yet.
    private bool _hasEnded;

    private string ParticipantId => this.GetPrimaryKey().ToString("D");

    private IRoomGrain Room => GrainFactory.GetGrain<IRoomGrain>(ChannelInfo.RoomOf(store.State.Session!.ChannelId));

    private IRoomObserver Self => this.AsReference<IRoomObserver>();

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (store.State.Session is not null)
        {
            // At once: this activation may stand in for one that was lost some time ago.
            StartTimer(TimeSpan.Zero);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<Outcome<VoiceSessionJoined>> JoinAsync(JoinVoice request)
    {
        if (store.State.Session is { } present)
        {
            return present.UserId == request.UserId ? new VoiceSessionJoined(present, store.State.Media.TransportJson) : NotFound();
        }

        var session = new VoiceSessionInfo(
            request.SessionId, request.UserId, request.ChannelId, request.DisplayName, request.Muted, request.Deafened, time.GetUtcNow());
        var room = GrainFactory.GetGrain<IRoomGrain>(ChannelInfo.RoomOf(request.ChannelId));
        var joined = await room.JoinAsync(
            new JoinRoom(
                ParticipantId,
                request.UserId,
                request.UserText,
                request.DisplayName,
                Door,
                request.Muted,
                request.Deafened,
                EndsWithMedia: true,
                RequiresChannel: true),
            Self);
        if (joined.Fault is { } refused)
        {
            DeactivateOnIdle();
            return refused;
        }

        var transport = await room.CreateTransportAsync(ParticipantId);
        if (transport.Fault is { } noTransport)
        {
            return await AbandonAsync(room, noTransport);
        }

        try
        {
            // Before the state: a reminder of a session that never began ends itself, a session without one might never end.
            await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
            store.State = new VoiceSessionState
            {
                Session = session,
                Media = new VoiceMedia { TransportId = transport.Value!.TransportId, TransportJson = transport.Value.DescriptionJson },
            };
            Emit("voice.session.created", null);
            await store.WriteStateAsync();
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            LogStoreAway(logger, e, ParticipantId);
            store.State = new VoiceSessionState();
            return await AbandonAsync(room, new Fault(FaultCode.Unavailable, "The session cannot be stored now. Try again."));
        }

        _view = NewView(joined.Value!.Room);
        StartTimer(RoomLease.RenewEvery);
        LogJoined(logger, ParticipantId, request.UserId, request.ChannelId);
        return new VoiceSessionJoined(session, transport.Value.DescriptionJson);
    }

    /// <inheritdoc/>
    public Task<Outcome<VoiceSessionInfo>> GetAsync(Guid userId) =>
        Task.FromResult<Outcome<VoiceSessionInfo>>(CheckOwner(userId) is { } fault ? fault : store.State.Session!);

    /// <inheritdoc/>
    public async Task<Outcome<VoiceStateNotice>> GetChannelAsync(Guid userId)
    {
        if (CheckOwner(userId) is { } fault)
        {
            return fault;
        }

        var view = await ViewAsync();
        return new VoiceStateNotice(store.State.Session, view.Participants, view.Speaking);
    }

    /// <inheritdoc/>
    public async Task<Outcome<VoiceSessionInfo>> SetStateAsync(Guid userId, bool? mute, bool? deaf)
    {
        if (CheckOwner(userId) is { } fault)
        {
            return fault;
        }

        var session = store.State.Session!;
        var (muted, deafened) = (mute ?? session.Muted, deaf ?? session.Deafened);
        var set = await Room.SetVoiceStateAsync(ParticipantId, muted, deafened);
        if (set.Fault is { } refused)
        {
            return refused.Code == FaultCode.NotFound ? await EndLostAsync() : refused;
        }

        await NoteVoiceStateAsync(muted, deafened);
        return store.State.Session!;
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> LeaveAsync(Guid userId)
    {
        if (CheckOwner(userId) is { } fault)
        {
            return fault;
        }

        await EndAsync(LeaveReason.Left);
        return Done.Instance;
    }

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

    /// <inheritdoc/>
    public async Task OnRoomEventsAsync(RoomEvent[] events)
    {
        if (store.State.Session is null || _hasEnded)
        {
            return;
        }

        if (events.OfType<Evicted>().FirstOrDefault() is { } evicted)
        {
            // The room has removed it already.
            await FinishEndAsync(evicted.Reason);
            return;
        }

        var isFresh = _view is null;
        var view = await ViewAsync();
        if (isFresh)
        {
            // The room was asked after these events: they are in its answer.
            _notices.Add(new VoiceStateNotice(store.State.Session, view.Participants, view.Speaking));
        }
        else if (!view.TryApply(events, _notices))
        {
            view.Reset(await Room.GetSnapshotAsync());
            _notices.Add(new VoiceStateNotice(store.State.Session, view.Participants, view.Speaking));
        }

        if (events.OfType<MediaMoved>().Any())
        {
            ForgetTransport();
            _unsaved = true;
            _notices.Add(new VoiceMediaMovedNotice(store.State.Session.Id));
        }

        await TellAsync();
        if (view.Own is { } own)
        {
            // Also what a moderator has set, or another session of this grain's past.
            await NoteVoiceStateAsync(own.Muted, own.Deafened);
        }

        await SaveAsync();
    }

    /// <inheritdoc/>
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (store.State.Session is null)
        {
            await StopReminderAsync();
        }

        // Otherwise the activation has its timer, which does what is due.
    }

    private static Fault NotFound() => new(FaultCode.NotFound, "The session does not exist.");

    private Fault? CheckOwner(Guid userId) => store.State.Session is { } session && !_hasEnded && session.UserId == userId ? null : NotFound();

    private VoiceChannelView NewView(RoomSnapshot room)
    {
        VoiceChannelView view = new(store.State.Session!.ChannelId, ParticipantId);
        view.Reset(room);
        return view;
    }

    private async Task<VoiceChannelView> ViewAsync() => _view ??= NewView(await Room.GetSnapshotAsync());

    private void StartTimer(TimeSpan due) => _timer ??= this.RegisterGrainTimer(
        MaintainAsync, new GrainTimerCreationOptions(due, RoomLease.RenewEvery) { KeepAlive = true });

    private async Task MaintainAsync()
    {
        if (_hasEnded)
        {
            await StoreEndAsync();
            return;
        }

        if (store.State.Session is null)
        {
            return;
        }

        try
        {
            var renewed = await Room.RenewAsync(ParticipantId, Self);
            if (renewed.Fault?.Code == FaultCode.NotFound)
            {
                await EndLostAsync();
                return;
            }
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogRoomAway(logger, e, ParticipantId);
        }

        await SaveAsync();
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

    private async Task NoteVoiceStateAsync(bool muted, bool deafened)
    {
        var session = store.State.Session!;
        if (session.Muted == muted && session.Deafened == deafened)
        {
            return;
        }

        store.State.Session = session with { Muted = muted, Deafened = deafened };
        Emit("voice.session.updated", null);
        await SaveAsync();
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

    private void Emit(string type, LeaveReason? reason)
    {
        var (now, session) = (time.GetUtcNow(), store.State.Session!);
        store.State.PendingEvents.Add(new VoiceSessionEvent(
            Guid.CreateVersion7(now),
            type,
            now,
            session.Id.ToString("D"),
            session.UserId,
            session.ChannelId.ToString("D"),
            session.Muted,
            session.Deafened,
            reason is { } r ? VoiceReasons.NameOf(r) : null));
        if (store.State.PendingEvents.Count > VoiceSessionState.MaxPendingEvents)
        {
            store.State.PendingEvents.RemoveAt(0);
        }

        _unsaved = true;
    }

    private async Task TellAsync()
    {
        if (_notices.Count == 0)
        {
            return;
        }

        VoiceNotice[] notices = [.. _notices];
        _notices.Clear();
        await GrainFactory.GetGrain<IVoiceUserGrain>(store.State.Session!.UserId).PushAsync(notices);
        PublishSpeaking(notices);
    }

    /// <summary>Writes what changed. A store that is away stops nobody from talking: the timer writes again.</summary>
    private async Task<bool> SaveAsync()
    {
        if (!_unsaved)
        {
            return true;
        }

        try
        {
            await store.WriteStateAsync();
            _unsaved = false;
            return true;
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            LogStoreAway(logger, e, ParticipantId);
            return false;
        }
    }

    [LoggerMessage(4310, LogLevel.Information, "Voice session {Session} of user {User} in channel {Channel}")]
    private static partial void LogJoined(ILogger logger, string session, Guid user, Guid channel);

    [LoggerMessage(4311, LogLevel.Information, "Voice session {Session} ended ({Reason})")]
    private static partial void LogEnded(ILogger logger, string session, LeaveReason reason);

    [LoggerMessage(4312, LogLevel.Warning, "Voice session {Session}: the store does not take the state; it is written again later")]
    private static partial void LogStoreAway(ILogger logger, Exception exception, string session);

    [LoggerMessage(4313, LogLevel.Warning, "Voice session {Session}: its room could not be reached")]
    private static partial void LogRoomAway(ILogger logger, Exception exception, string session);
}
