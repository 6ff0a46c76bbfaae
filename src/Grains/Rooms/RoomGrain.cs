using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Rooms;

/// <summary>
/// The shell of <see cref="Room"/>: one request at a time it checks with the room, commands the media node, notes the
/// result, stores membership and pushes the events.
/// </summary>
public sealed partial class RoomGrain(
    [PersistentState("room", GrainStores.Rooms)] IPersistentState<RoomState> store,
    IOptions<RoomOptions> options,
    TimeProvider time,
    ILogger<RoomGrain> logger,
    IEventPublisher? publisher = null) : Grain, IRoomGrain
{
    private static readonly TimeSpan MaintenancePeriod = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, DateTimeOffset> _lastSeen = [];
    private readonly Dictionary<string, DateTimeOffset> _withoutMediaSince = [];

    // For a participant that was taken over: the observer that it had before, which may still believe that it has it.
    private readonly Dictionary<string, IRoomObserver> _displaced = [];
    private string _name = "";
    private RoomState _state = null!;
    private Room _room = null!;
    private RoomMedia _media = null!;
    private RoomNews _news = null!;

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _name = this.GetPrimaryKeyString();
        _state = store.State;
        _room = new Room(_name, _state, options.Value);
        _media = new RoomMedia(_name, _room, _state, GrainFactory.GetGrain<IMediaFleetGrain>(MediaFleet.Key), time, logger);

        // The clock makes epochs grow even past a cleared state, the stored one past a clock that went back.
        _state.Epoch = Math.Max(_state.Epoch + 1, time.GetUtcNow().ToUnixTimeMilliseconds());
        _news = new RoomNews(_name, _state.Epoch, publisher ?? NoEvents.Instance, time);
        this.RegisterGrainTimer(MaintainAsync, MaintenancePeriod, MaintenancePeriod);
        if (!_room.IsEmpty)
        {
            _news.Open(_state.Participants.Select(p => p.Info));
            var now = time.GetUtcNow();
            foreach (var participant in _state.Participants)
            {
                _lastSeen[participant.Info.ParticipantId] = now;
            }

            _unsaved = true;
            await SaveAsync();
            await _media.EnsureAsync();
            await FinishAsync();
            LogTakenOver(logger, _name, _state.Participants.Count, _state.Epoch);
        }
    }

    /// <inheritdoc/>
    public async Task<Outcome<RoomJoined>> JoinAsync(JoinRoom request, IRoomObserver observer)
    {
        if (await CheckCallAsync(request.UserId) is { } stranger)
        {
            await CloseIfEmptyAsync();
            return await FinishAsync(stranger);
        }

        var admitted = await AdmitToSessionAsync(request);
        if (admitted.Fault is { } notInCall)
        {
            await CloseIfEmptyAsync();
            return await FinishAsync(notInCall);
        }

        request = admitted.Value!;
        var ready = await _media.EnsureAsync();
        if (ready.Fault is { } unavailable)
        {
            return await FinishAsync(unavailable);
        }

        var joined = await AdmitAsync(request) is { } kept ? kept : _room.Join(request, observer);
        if (joined.Fault is { } refused)
        {
            await CloseIfEmptyAsync();
            return await FinishAsync(refused);
        }

        _lastSeen[request.ParticipantId] = time.GetUtcNow();
        _unsaved = true;
        await FinishAsync();
        await NoteUserAsync(request.UserId);
        _displaced.Remove(request.ParticipantId);
        LogJoined(logger, _name, request.ParticipantId, request.DisplayName, request.Door, _state.Participants.Count);
        return new RoomJoined(ready.Value!, _room.Snapshot(), joined.Value, _room.TransportsOf(request.ParticipantId));
    }

    /// <inheritdoc/>
    public async Task<Outcome<RoomJoined>> ResumeAsync(ResumeRoom request, IRoomObserver observer)
    {
        if (_room.FindResumable(request) is null)
        {
            await CloseIfEmptyAsync();
            return await FinishAsync(new Fault(FaultCode.NotFound, "There is no such participant in this room."));
        }

        var ready = await _media.EnsureAsync(request.ParticipantId);
        if (ready.Fault is { } unavailable)
        {
            return await FinishAsync(unavailable);
        }

        var participant = _room.FindResumable(request)!;
        if (!participant.Observer.Equals(observer))
        {
            _displaced[request.ParticipantId] = participant.Observer;
            await participant.Observer.OnRoomEventsAsync([new Evicted(0, LeaveReason.Moved)]);
            participant.Observer = observer;
            _unsaved = true;
        }

        _lastSeen[request.ParticipantId] = time.GetUtcNow();
        await FinishAsync();
        LogResumed(logger, _name, request.ParticipantId);
        return new RoomJoined(ready.Value!, _room.Snapshot(), Resumed: true, _room.TransportsOf(request.ParticipantId));
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> LeaveAsync(string participantId, LeaveReason reason)
    {
        await RemoveParticipantAsync(participantId, reason);
        await CloseIfEmptyAsync();
        return await FinishAsync(Done.Instance);
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> RenewAsync(string participantId, IRoomObserver observer)
    {
        if (_room.Find(participantId) is not { } participant)
        {
            return new Fault(FaultCode.NotFound, $"There is no participant {participantId} in this room.");
        }

        if (_displaced.TryGetValue(participantId, out var displaced) && displaced.Equals(observer))
        {
            return new Fault(FaultCode.Gone, "The participant is connected through another door now.");
        }

        participant.Observer = observer;
        _lastSeen[participantId] = time.GetUtcNow();
        await NoteUserAsync(participant.Info.UserId);
        return await FinishAsync(Done.Instance);
    }

    /// <inheritdoc/>
    public async Task<Outcome<TransportCreated>> CreateTransportAsync(string participantId)
    {
        if (await CheckAsync(participantId, () => _room.CheckNewTransport(participantId)) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var transportId = NewId();
        var reply = await _media.OpenTransportAsync(participantId, new CreateWebRtcTransport(
            transportId, participantId, _room.MaxVideoBitrateOf(participantId), _room.Find(participantId)?.Bitrates));
        if (reply.Fault is { } failed)
        {
            return await FinishAsync(failed);
        }

        _room.AddTransport(transportId, participantId);
        await FinishAsync();
        return new TransportCreated(transportId, ((TransportOpened)reply.Value!).DescriptionJson, _room.NodeOf(participantId)?.Name);
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> ConnectTransportAsync(string participantId, string transportId, string dtlsParametersJson) =>
        await CommandAsync(
            participantId,
            () => _room.CheckTransport(participantId, transportId),
            new ConnectWebRtcTransport(transportId, dtlsParametersJson));

    /// <inheritdoc/>
    public async Task<Outcome<string>> RestartIceAsync(string participantId, string transportId)
    {
        if (await CheckAsync(participantId, () => _room.CheckTransport(participantId, transportId)) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var reply = await _media.ExecuteAsync(participantId, new RestartIce(transportId));
        await FinishAsync();
        return reply.Fault is { } failed ? failed : ((IceRestarted)reply.Value!).IceParametersJson;
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> CloseTransportAsync(string participantId, string transportId) =>
        await CommandAsync(
            participantId,
            () => _room.CheckTransport(participantId, transportId),
            new CloseTransport(transportId),
            () => _room.RemoveTransport(transportId));

    /// <inheritdoc/>
    public async Task<Outcome<string>> ProduceAsync(string participantId, ProduceRequest request)
    {
        if (await CheckAsync(participantId, () => _room.CheckNewProducer(participantId, request.TransportId)) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var producerId = NewId();
        var producer = new RoomProducer(producerId, participantId, request.TransportId, request.Kind, request.Paused);
        var reply = await _media.ExecuteAsync(participantId, new CreateProducer(
            producerId, request.TransportId, request.Kind, request.RtpParametersJson, _room.IsHeldBack(producer)));
        if (reply.Fault is { } failed)
        {
            return await FinishAsync(failed);
        }

        _room.AddProducer(producerId, participantId, request.TransportId, request.Kind, request.Paused);
        await _media.SpreadAsync(producerId);
        await FinishAsync();
        return producerId;
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> SetProducerPausedAsync(string participantId, string producerId, bool paused)
    {
        if (await OwnProducerAsync(participantId, producerId) is var own && own.Fault is { } fault)
        {
            return await FinishAsync(fault);
        }

        var producer = own.Value!;
        var before = _room.IsHeldBack(producer);
        var after = _room.IsHeldBack(producer with { Paused = paused });
        if (before != after)
        {
            var reply = await _media.ExecuteAsync(participantId, new SetProducerPaused(producerId, after));
            if (reply.Fault is { } failed)
            {
                return await FinishAsync(failed);
            }
        }

        _room.SetProducerPaused(producer, paused);
        return await FinishAsync(Done.Instance);
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> CloseProducerAsync(string participantId, string producerId) =>
        await CommandAsync(
            participantId,
            () => _room.GetOwnProducer(participantId, producerId).Fault,
            new CloseProducer(producerId),
            () => _room.RemoveProducer(producerId));

    /// <inheritdoc/>
    public async Task<Outcome<Done>> SetVoiceStateAsync(string participantId, bool muted, bool deafened)
    {
        await _media.EnsureAsync(participantId);
        var commands = _room.SetVoiceState(participantId, muted, deafened);
        if (commands.Fault is { } fault)
        {
            return await FinishAsync(fault);
        }

        _unsaved = true;
        foreach (var command in commands.Value!)
        {
            await _media.ExecuteAsync(participantId, command);
        }

        // A command that failed leaves the line uncertain; the reconciliation enforces the new state, and mute cannot wait for the next request.
        await _media.EnsureAsync(participantId);
        return await FinishAsync(Done.Instance);
    }

    /// <inheritdoc/>
    public Task<RoomSnapshot> GetSnapshotAsync() => Task.FromResult(_room.Snapshot());

    /// <inheritdoc/>
    public async Task ReportAsync(MediaReport report)
    {
        // A report of an earlier node, or meant for an earlier activation's objects, says nothing about this room now.
        if (!_media.Has(report.Node))
        {
            return;
        }

        if (report.Speakers is not null)
        {
            _room.ReportSpeakers(report.Node, report.Speakers);
        }

        foreach (var change in report.Transports)
        {
            var owner = _room.OwnerOf(change.TransportId);
            if (!_room.SetTransportState(change.TransportId, change.State) || change.State != MediaTransportState.Closed)
            {
                continue;
            }

            LogTransportClosed(logger, _name, change.TransportId);
            if (change.WasSilent)
            {
                // Its silence has lasted since the last check already.
                _withoutMediaSince[owner!] = time.GetUtcNow() - RoomLease.MediaExpiry;
            }
        }

        if (report.Transports.Length > 0)
        {
            await EndWithoutMediaAsync();
        }

        await FinishAsync();
    }

    /// <inheritdoc/>
    public async Task MediaNodeLostAsync(MediaNodeId node)
    {
        await _media.NodeLostAsync(node);
        await ReviewRecordingsAsync();
        await FinishAsync();
    }

    private static string NewId() => Guid.NewGuid().ToString();

    private async Task MaintainAsync(CancellationToken cancellationToken)
    {
        var deadline = time.GetUtcNow() - RoomLease.Expiry;
        var askAt = time.GetUtcNow() - (2 * RoomLease.RenewEvery);
        foreach (var (participantId, seen) in _lastSeen.ToArray())
        {
            if (seen < deadline)
            {
                LogLeaseExpired(logger, _name, participantId);
                await RemoveParticipantAsync(participantId, LeaveReason.DoorLost);
            }
            else if (seen < askAt && _room.Find(participantId) is { } participant)
            {
                // An observer that is a grain may have lost its activation, and with it the timer that renews: this wakes it.
                await participant.Observer.OnRoomEventsAsync([]);
            }
        }

        await ReviewCallAsync();
        await ReviewSessionAsync();
        await EndWithoutMediaAsync();
        if (_room.IsEmpty)
        {
            await CloseIfEmptyAsync();
        }
        else
        {
            await _media.CheckAsync();
            await ReviewRecordingsAsync();
        }

        await FinishAsync();
    }

    /// <summary>Ends the participants that end with their media and have had none for too long.</summary>
    private async Task EndWithoutMediaAsync()
    {
        // After a takeover, before the node has answered, nobody's media is known.
        string[] without = _media.IsKnown ? _room.WithoutMedia() : [];
        foreach (var participantId in _withoutMediaSince.Keys.Except(without).ToArray())
        {
            _withoutMediaSince.Remove(participantId);
        }

        var now = time.GetUtcNow();
        foreach (var participantId in without)
        {
            if (!_withoutMediaSince.TryGetValue(participantId, out var since))
            {
                _withoutMediaSince[participantId] = now;
            }
            else if (now - since >= RoomLease.MediaExpiry)
            {
                LogMediaLost(logger, _name, participantId);
                _withoutMediaSince.Remove(participantId);
                await RemoveParticipantAsync(participantId, LeaveReason.MediaLost);
            }
        }
    }

    /// <summary>After a takeover the media objects are known only once the node was asked: first that, then the check.</summary>
    private async Task<Fault?> CheckAsync(string participantId, Func<Fault?> check)
    {
        var ready = await _media.EnsureAsync(participantId);
        return check() ?? ready.Fault;
    }

    private async Task<Outcome<RoomProducer>> OwnProducerAsync(string participantId, string producerId)
    {
        await _media.EnsureAsync(participantId);
        return _room.GetOwnProducer(participantId, producerId);
    }

    private async Task<Outcome<Done>> CommandAsync(string participantId, Func<Fault?> check, MediaCommand command, Action? note = null)
    {
        if (await CheckAsync(participantId, check) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var reply = await _media.ExecuteAsync(participantId, command);
        if (reply.Fault is { } failed)
        {
            return await FinishAsync(failed);
        }

        note?.Invoke();
        return await FinishAsync(Done.Instance);
    }

    private async Task RemoveParticipantAsync(string participantId, LeaveReason reason)
    {
        var observer = _room.Find(participantId)?.Observer;
        var node = _room.NodeOf(participantId);
        if (!_room.Leave(participantId, reason, out var transports))
        {
            return;
        }

        _lastSeen.Remove(participantId);
        _displaced.Remove(participantId);
        _unsaved = true;
        if (!_room.IsEmpty)
        {
            foreach (var transportId in transports)
            {
                // A failure here is mended by the reconciliation that follows it.
                await _media.ExecuteAtAsync(node, new CloseTransport(transportId));
            }
        }

        if (reason is not (LeaveReason.Left or LeaveReason.ConnectionLost) && observer is not null)
        {
            await observer.OnRoomEventsAsync([new Evicted(0, reason)]);
        }

        LogLeft(logger, _name, participantId, reason, _state.Participants.Count);
    }

    private async Task CloseIfEmptyAsync()
    {
        // A room that its node did not confirm closed stays, and maintenance tries again.
        if (!_room.IsEmpty || !await _media.CloseAsync())
        {
            return;
        }

        await EndRecordingsAsync();

        // Nobody is left to be told of the last one's leaving but the world, and it before the end.
        _news.Tell(_room.TakeEvents(), _state.Node);
        _news.Close();
        _unsaved = store.RecordExists || !_storing.IsCompleted;
        _media.MarkSaved();
        await SaveAsync();
        DeactivateOnIdle();
    }

    /// <summary>
    /// The user's index of rooms; each renewal of the lease repeats it, so that a lost note does no harm. The index may live on
    /// a silo that is lost just now: the room does not wait for it.
    /// </summary>
    private async Task NoteUserAsync(Guid userId)
    {
        var noting = NoteAsync();
        await WaitAsync(noting, Patience);

        async Task NoteAsync()
        {
            try
            {
                await GrainFactory.GetGrain<IUserRoomsGrain>(userId).NoteAsync(_name);
            }
            catch (Exception e) when (e is TimeoutException or OrleansException)
            {
                LogNotNoted(logger, e, _name, userId);
            }
        }
    }

    private async Task<Outcome<T>> FinishAsync<T>(T value)
    {
        await FinishAsync();
        return value;
    }

    private async Task<Fault> FinishAsync(Fault fault)
    {
        await FinishAsync();
        return fault;
    }

    /// <summary>The end of every request: store what changed, then tell the participants.</summary>
    private async Task FinishAsync()
    {
        await _media.TrimPipesAsync();
        if (_media.NeedsSave)
        {
            _unsaved = true;
            _media.MarkSaved();
        }

        await SaveAsync();

        var events = _room.TakeEvents();
        if (events.Length > 0)
        {
            _news.Tell(events, _state.Node);
            foreach (var participant in _state.Participants)
            {
                await participant.Observer.OnRoomEventsAsync(Room.For(participant.Info.ParticipantId, events));
            }
        }

        if (_media.IsSuperseded)
        {
            DeactivateOnIdle();
        }
    }

    [LoggerMessage(4010, LogLevel.Information, "Room {Room}: {Participant} ({DisplayName}) joined by {Door}; {Count} in the room")]
    private static partial void LogJoined(ILogger logger, string room, string participant, string displayName, string door, int count);

    [LoggerMessage(4011, LogLevel.Information, "Room {Room}: {Participant} left ({Reason}); {Count} in the room")]
    private static partial void LogLeft(ILogger logger, string room, string participant, LeaveReason reason, int count);

    [LoggerMessage(4012, LogLevel.Information, "Room {Room}: taken over with {Count} participants, epoch {Epoch}")]
    private static partial void LogTakenOver(ILogger logger, string room, int count, long epoch);

    [LoggerMessage(4013, LogLevel.Warning, "Room {Room}: the door of {Participant} was silent for too long")]
    private static partial void LogLeaseExpired(ILogger logger, string room, string participant);

    [LoggerMessage(4014, LogLevel.Information, "Room {Room}: the media node closed transport {Transport}")]
    private static partial void LogTransportClosed(ILogger logger, string room, string transport);

    [LoggerMessage(4016, LogLevel.Information, "Room {Room}: {Participant} has had no media for too long")]
    private static partial void LogMediaLost(ILogger logger, string room, string participant);

    [LoggerMessage(4017, LogLevel.Information, "Room {Room}: {Participant} came back through another door")]
    private static partial void LogResumed(ILogger logger, string room, string participant);

    [LoggerMessage(4018, LogLevel.Warning, "Room {Room}: the index of user {User} cannot be told of the room; the next renewal tells it")]
    private static partial void LogNotNoted(ILogger logger, Exception exception, string room, Guid user);
}
