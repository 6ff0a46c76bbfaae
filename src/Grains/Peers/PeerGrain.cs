using Microsoft.Extensions.Logging;
using Orleans.Storage;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.Grains.VoiceSessions;

namespace VoiceCluster.Grains.Peers;

/// <summary>A peer's life: it is the participant in the room, renews its place there, and is out when the room says so.</summary>
public sealed partial class PeerGrain(
    [PersistentState("peer", GrainStores.Peers)] IPersistentState<PeerState> store,
    TimeProvider time,
    ILogger<PeerGrain> logger) : Grain, IPeerGrain, IRoomObserver
{
    private const string Door = "peers";

    private readonly List<PeerNotice> _notices = [];
    private PeerRoomView? _view;
    private IGrainTimer? _timer;
    private (Guid Id, IPeerObserver Observer, DateTimeOffset LastSeen)? _connection;
    private bool _unsaved;

    private string ParticipantId => this.GetPrimaryKey().ToString("D");

    private IRoomGrain Room => GrainFactory.GetGrain<IRoomGrain>(store.State.Peer!.Room);

    private IRoomObserver Self => this.AsReference<IRoomObserver>();

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (store.State.Peer is not null)
        {
            // At once: this activation may stand in for one that was lost some time ago.
            StartTimer(TimeSpan.Zero);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<Outcome<PeerNegotiation>> OfferAsync(PeerInfo peer, MediaOffered offer, string sdp)
    {
        if (store.State.Peer is { } present && present.Room != peer.Room)
        {
            await LeaveAsync();
        }

        var joins = store.State.Peer is null;
        if (joins && await JoinAsync(peer) is { } refused)
        {
            return refused;
        }

        var failed = await NegotiateAsync(offer, sdp);
        if (failed is { Code: FaultCode.NotFound } && !joins && (await Room.RenewAsync(ParticipantId, Self)).Fault is { Code: FaultCode.NotFound })
        {
            // The room has put the peer out and its word has not come yet: in again.
            Forget();
            failed = await JoinAsync(peer) ?? await NegotiateAsync(offer, sdp);
            joins = true;
        }

        if (failed is not null)
        {
            if (joins && store.State.Peer is not null)
            {
                await LeaveAsync();
            }

            return failed;
        }

        await MatchAsync();
        await SaveAsync();
        _notices.Add(new PeerChangedNotice());
        await TellAsync();
        return Describe();
    }

    /// <inheritdoc/>
    public Task<Outcome<PeerInfo>> GetAsync() => Task.FromResult<Outcome<PeerInfo>>(store.State.Peer is { } peer ? peer : NotFound());

    /// <inheritdoc/>
    public async Task<Outcome<Done>> LeaveAsync()
    {
        if (store.State.Peer is { } peer)
        {
            await Room.LeaveAsync(ParticipantId, LeaveReason.Left);
            await EndAsync(peer, LeaveReason.Left);
        }

        return Done.Instance;
    }

    /// <inheritdoc/>
    public async Task OnRoomEventsAsync(RoomEvent[] events)
    {
        if (store.State.Peer is not { } peer)
        {
            return;
        }

        if (events.OfType<Evicted>().FirstOrDefault() is { } evicted)
        {
            await EndAsync(peer, evicted.Reason);
            return;
        }

        if (events.Length == 0)
        {
            // A question whether somebody is here; the timer, which the activation has started, answers it.
            return;
        }

        var isFresh = _view is null;
        var view = await ViewAsync();

        // Without a view from before, these events are in the room's answer already.
        if (!isFresh && !view.TryApply(events, _notices))
        {
            view.Reset(await Room.GetSnapshotAsync());
            _notices.Add(new PeerRoomNotice(peer.Room, view.Participants));
        }

        if (events.OfType<MediaMoved>().Any())
        {
            store.State.Media.Forget();
            store.State.Tracks.Clear();
            _unsaved = true;
            _notices.Add(new PeerMediaMovedNotice());
        }

        await MatchAsync();
        await SaveAsync();
        await TellAsync();
    }

    private static Fault NotFound() => new(FaultCode.NotFound, "There is no such peer in any room.");

    private async Task<Fault?> JoinAsync(PeerInfo peer)
    {
        var joined = await GrainFactory.GetGrain<IRoomGrain>(peer.Room).JoinAsync(
            new JoinRoom(ParticipantId, peer.UserId, peer.UserText, peer.DisplayName, Door, EndsWithMedia: true), Self);
        if (joined.Fault is { } refused)
        {
            return refused;
        }

        store.State.Peer = peer;
        store.State.Media.Forget();
        store.State.Tracks.Clear();
        _view = new PeerRoomView(ParticipantId);
        _view.Reset(joined.Value!.Room);
        _unsaved = true;
        _notices.Add(new PeerRoomNotice(peer.Room, _view.Participants));
        StartTimer(RoomLease.RenewEvery);
        LogJoined(logger, peer.PeerId, peer.Room);
        return null;
    }

    private async Task EndAsync(PeerInfo peer, LeaveReason reason)
    {
        LogEnded(logger, peer.PeerId, peer.Room, reason);
        Forget();
        _timer?.Dispose();
        _timer = null;
        try
        {
            await store.ClearStateAsync();
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            // The next activation finds itself in a room that does not know it, and ends then.
            LogStoreAway(logger, e, peer.PeerId);
        }

        _notices.Add(new PeerLeftNotice(peer.Room, reason));
        await TellAsync();
    }

    private void Forget()
    {
        store.State.Peer = null;
        store.State.Media = new VoiceMedia();
        store.State.ClientSdp = "";
        store.State.Tracks = new PeerTracks();
        _view = null;
    }

    private async Task<PeerRoomView> ViewAsync()
    {
        if (_view is null)
        {
            _view = new PeerRoomView(ParticipantId);
            _view.Reset(await Room.GetSnapshotAsync());
        }

        return _view;
    }

    private void StartTimer(TimeSpan due) => _timer ??= this.RegisterGrainTimer(
        MaintainAsync, new GrainTimerCreationOptions(due, RoomLease.RenewEvery) { KeepAlive = true });

    private async Task MaintainAsync()
    {
        if (store.State.Peer is not { } peer)
        {
            return;
        }

        try
        {
            if ((await Room.RenewAsync(ParticipantId, Self)).Fault is { Code: FaultCode.NotFound })
            {
                await EndAsync(peer, LeaveReason.ConnectionLost);
                return;
            }

            if (_connection is { } connection && time.GetUtcNow() - connection.LastSeen >= PeerLease.Expiry)
            {
                _connection = null;
                await HoldBackAsync();
            }
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogRoomAway(logger, e, peer.PeerId);
        }

        await SaveAsync();
    }

    private async Task TellAsync()
    {
        PeerNotice[] notices = [.. _notices];
        _notices.Clear();
        if (_connection is { } connection && notices.Length > 0)
        {
            await connection.Observer.OnNoticesAsync(notices);
        }
    }

    /// <summary>Writes what changed. A store that is away stops nobody from talking: the timer writes again.</summary>
    private async Task SaveAsync()
    {
        if (!_unsaved || store.State.Peer is null)
        {
            return;
        }

        try
        {
            await store.WriteStateAsync();
            _unsaved = false;
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            LogStoreAway(logger, e, store.State.Peer.PeerId);
        }
    }

    [LoggerMessage(4350, LogLevel.Information, "Peer {Peer} joined room {Room}")]
    private static partial void LogJoined(ILogger logger, string peer, string room);

    [LoggerMessage(4351, LogLevel.Information, "Peer {Peer} is out of room {Room} ({Reason})")]
    private static partial void LogEnded(ILogger logger, string peer, string room, LeaveReason reason);

    [LoggerMessage(4352, LogLevel.Warning, "Peer {Peer}: the store does not take the state; it is written again later")]
    private static partial void LogStoreAway(ILogger logger, Exception exception, string peer);

    [LoggerMessage(4353, LogLevel.Warning, "Peer {Peer}: its room could not be reached")]
    private static partial void LogRoomAway(ILogger logger, Exception exception, string peer);
}
