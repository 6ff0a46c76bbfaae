using Microsoft.Extensions.Logging;
using Orleans.Storage;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>
/// Holds the user's one session: joins pass here, one at a time. It calls sessions; they call back one-way only, so that the
/// two never wait for each other.
/// </summary>
public sealed partial class VoiceUserGrain(
    [PersistentState("voice-user", GrainStores.VoiceSessions)] IPersistentState<VoiceUserState> store,
    TimeProvider time,
    ILogger<VoiceUserGrain> logger) : Grain, IVoiceUserGrain
{
    /// <summary>Connections of one user. Past it the one that was silent longest is forgotten.</summary>
    private const int MaxConnections = 32;

    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Guid, (IVoiceObserver Observer, DateTimeOffset LastSeen)> _connections = [];
    private IGrainTimer? _sweep;

    /// <inheritdoc/>
    public async Task<Outcome<VoiceSessionJoined>> JoinAsync(JoinVoice request)
    {
        if (store.State.IsBanned)
        {
            return new Fault(FaultCode.Forbidden, "The user is banned.");
        }

        // Asked before the old session ends: who may not join keeps what he has. The room decides again, without a race.
        if (await CheckChannelAsync(request) is { } refused)
        {
            return refused;
        }

        if (store.State.SessionId is { } old && old != request.SessionId)
        {
            await Session(old).EndAsync(LeaveReason.Moved);
        }

        if (!await TrySaveAsync(request.SessionId, store.State.IsBanned))
        {
            return new Fault(FaultCode.Unavailable, "The session cannot be stored now. Try again.");
        }

        var joined = await Session(request.SessionId).JoinAsync(request);
        if (joined.Fault is not null)
        {
            // Not written: a session that never began is found missing when it is asked.
            store.State.SessionId = null;
        }

        return joined;
    }

    /// <inheritdoc/>
    public async Task<VoiceSessionInfo?> FindSessionAsync() =>
        store.State.SessionId is { } id ? (await Session(id).GetAsync(this.GetPrimaryKey())).Value : null;

    /// <inheritdoc/>
    public Task SessionEndedAsync(Guid sessionId)
    {
        if (store.State.SessionId == sessionId)
        {
            // Not written, for the same reason.
            store.State.SessionId = null;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task BanAsync()
    {
        if (!store.State.IsBanned && !await TrySaveAsync(store.State.SessionId, isBanned: true))
        {
            throw new OrleansException("The ban cannot be stored now. Try again.");
        }

        if (store.State.SessionId is { } id)
        {
            await Session(id).EndAsync(LeaveReason.Removed);
        }
    }

    /// <inheritdoc/>
    public async Task UnbanAsync()
    {
        if (store.State.IsBanned && !await TrySaveAsync(store.State.SessionId, isBanned: false))
        {
            throw new OrleansException("The end of the ban cannot be stored now. Try again.");
        }
    }

    /// <inheritdoc/>
    public async Task SubscribeAsync(Guid connectionId, IVoiceObserver observer)
    {
        var isNew = !_connections.ContainsKey(connectionId);
        if (isNew && _connections.Count >= MaxConnections)
        {
            _connections.Remove(_connections.MinBy(c => c.Value.LastSeen).Key);
        }

        _connections[connectionId] = (observer, time.GetUtcNow());
        _sweep ??= this.RegisterGrainTimer(Sweep, new GrainTimerCreationOptions(SweepPeriod, SweepPeriod) { KeepAlive = true });
        if (isNew)
        {
            var state = store.State.SessionId is { } id ? (await Session(id).GetChannelAsync(this.GetPrimaryKey())).Value : null;
            await observer.OnNoticesAsync([state ?? new VoiceStateNotice(null, [], [])]);
        }
    }

    /// <inheritdoc/>
    public Task UnsubscribeAsync(Guid connectionId)
    {
        _connections.Remove(connectionId);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task PushAsync(VoiceNotice[] notices)
    {
        foreach (var (observer, _) in _connections.Values)
        {
            await observer.OnNoticesAsync(notices);
        }
    }

    private IVoiceSessionGrain Session(Guid id) => GrainFactory.GetGrain<IVoiceSessionGrain>(id);

    private async Task<Fault?> CheckChannelAsync(JoinVoice request)
    {
        var channel = await GrainFactory.GetGrain<IChannelGrain>(request.ChannelId).CheckAsync(request.UserId);
        if (!channel.Exists)
        {
            return new Fault(FaultCode.NotFound, "The channel does not exist.");
        }

        if (channel.IsBanned)
        {
            return new Fault(FaultCode.Forbidden, "The user is banned from this channel.");
        }

        var room = await GrainFactory.GetGrain<IRoomGrain>(ChannelInfo.RoomOf(request.ChannelId)).GetSnapshotAsync();
        return room.Participants.Select(p => p.UserId).Where(u => u != request.UserId).Distinct().Count() >= channel.MaxUsers
            ? new Fault(FaultCode.Full, $"The channel is full: {channel.MaxUsers} users.")
            : null;
    }

    private Task Sweep()
    {
        var now = time.GetUtcNow();
        foreach (var (id, connection) in _connections.ToArray())
        {
            if (now - connection.LastSeen >= VoiceLease.Expiry)
            {
                _connections.Remove(id);
            }
        }

        if (_connections.Count == 0)
        {
            _sweep?.Dispose();
            _sweep = null;
        }

        return Task.CompletedTask;
    }

    /// <summary>A store that refuses leaves the user as it was.</summary>
    private async Task<bool> TrySaveAsync(Guid? sessionId, bool isBanned)
    {
        var before = store.State;
        store.State = new VoiceUserState { SessionId = sessionId, IsBanned = isBanned };
        try
        {
            await store.WriteStateAsync();
            return true;
        }
        catch (Exception e)
        {
            store.State = before;
            if (e is InconsistentStateException)
            {
                throw;
            }

            LogStoreAway(logger, e, this.GetPrimaryKey());
            return false;
        }
    }

    [LoggerMessage(4320, LogLevel.Warning, "Voice user {User}: the store does not take the change, so it has not happened")]
    private static partial void LogStoreAway(ILogger logger, Exception exception, Guid user);
}
