using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Media;

/// <summary>The shell of <see cref="MediaFleetState"/>. It keeps nothing stored: nodes say within a second that they live.
/// Reentrant, because a placement may wait for the first heartbeat; no method changes the state on both sides of an await.</summary>
[Reentrant]
public sealed partial class MediaFleetGrain(
    TimeProvider time, ILogger<MediaFleetGrain> logger, IEventPublisher? publisher = null, IMediaNodeWatch? watch = null)
    : Grain, IMediaFleetGrain
{
    /// <summary>How often it is looked for nodes that are silent: so much later than <see cref="MediaFleet.LostAfter"/> at most.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>Between two tries to tell a room that its node is gone: it may live in a silo that is just being lost.</summary>
    private static readonly TimeSpan TellAgainAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>For how long that is tried. Rooms also ask by themselves now and then.</summary>
    private static readonly TimeSpan TellFor = TimeSpan.FromSeconds(30);

    private readonly Dictionary<MediaNodeId, IDisposable> _watched = [];
    private readonly CancellationTokenSource _ended = new();
    private readonly IEventPublisher _publisher = publisher ?? NoEvents.Instance;
    private readonly MediaFleetState _fleet = new();
    private TaskCompletionSource _nextNode = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DateTimeOffset _activatedAt;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _activatedAt = time.GetUtcNow();
        this.RegisterGrainTimer(
            FindLostNodesAsync,
            new GrainTimerCreationOptions(LookEvery, LookEvery) { KeepAlive = true });
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        foreach (var watched in _watched.Values)
        {
            watched.Dispose();
        }

        _watched.Clear();

        // Whoever asks the next activation for a node waits for these. The silo goes on ending when they have it: what is on its way could be lost.
        try
        {
            await Task.WhenAll(_fleet.References.Select(n => n.FleetMovesAsync()).ToArray());
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            // One of them is gone, or slow: it says that it lives in its time.
            LogNotAsked(logger, e);
        }

        await _ended.CancelAsync();
    }

    /// <inheritdoc/>
    public Task<bool> HeartbeatAsync(MediaNodeHeartbeat heartbeat, IMediaNode node)
    {
        var lost = _fleet.Heartbeat(heartbeat, node, time.GetUtcNow(), out var isNew);
        if (isNew)
        {
            LogJoined(logger, heartbeat.Node.Name, heartbeat.ControlUrl, heartbeat.MaxConsumers);
            var waiting = _nextNode;
            _nextNode = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.TrySetResult();
            WatchNodes();
        }

        // The earlier start of the same node ended before this one began.
        Tell(EventTypes.MediaNodeLost, lost);
        if (isNew)
        {
            var now = time.GetUtcNow();
            _publisher.Publish(new MediaNodeJoinedEvent(
                Guid.CreateVersion7(now), now, heartbeat.Node.Name, heartbeat.Node.Incarnation, heartbeat.ControlUrl, heartbeat.MaxConsumers));
        }

        return Task.FromResult(isNew);
    }

    /// <inheritdoc/>
    public Task StateRoomsAsync(MediaNodeId node, string[] rooms)
    {
        _fleet.StateRooms(node, rooms);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<int> DrainAsync(MediaNodeId node)
    {
        var rooms = _fleet.Drain(node);
        LogDraining(logger, node.Name, rooms.Length);
        Move(node, rooms);
        return Task.FromResult(rooms.Length);
    }

    /// <inheritdoc/>
    public Task LeaveAsync(MediaNodeId node)
    {
        LogLeft(logger, node.Name);
        var left = _fleet.Leave(node, time.GetUtcNow());
        WatchNodes();
        Tell(EventTypes.MediaNodeLeft, left);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task EndedAsync(MediaNodeId node)
    {
        if (_fleet.End(node) is { } lost)
        {
            LogEnded(logger, node.Name);
            WatchNodes();
            Tell(EventTypes.MediaNodeLost, lost);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<Outcome<MediaPlacement>> PlaceAsync(string roomName, MediaNodeId? current)
    {
        // A fleet that has just been activated knows no node until the next heartbeats: wait for them, bounded. A room that
        // has a node waits for that one, because another's heartbeat says nothing about it.
        var waiting = MediaFleet.LostAfter - (time.GetUtcNow() - _activatedAt);
        if (waiting > TimeSpan.Zero && !_fleet.Knows(current))
        {
            using var stop = new CancellationTokenSource();
            var end = Task.Delay(waiting, time, stop.Token);
            while (!_fleet.Knows(current) && !end.IsCompleted)
            {
                await Task.WhenAny(_nextNode.Task, end);
            }

            await stop.CancelAsync();
        }

        return _fleet.Place(roomName, current) is { } placement
            ? placement
            : NoNode();
    }

    /// <inheritdoc/>
    public Task<Outcome<MediaPlacement>> PlaceParticipantAsync(string roomName, RoomShare[] shares) =>
        Task.FromResult<Outcome<MediaPlacement>>(_fleet.PlaceParticipant(roomName, shares) is { } placement ? placement : NoNode());

    /// <inheritdoc/>
    public Task ReleaseAsync(string roomName, MediaNodeId node)
    {
        _fleet.Release(roomName, node);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<MediaNodeHeartbeat[]> ListAsync() => Task.FromResult<MediaNodeHeartbeat[]>([.. _fleet.Nodes]);

    private static Fault NoNode() => new(FaultCode.Unavailable, "No media node is available. Try again in a few seconds.");

    private Task FindLostNodesAsync(CancellationToken cancellationToken)
    {
        foreach (var node in _fleet.Silent(time.GetUtcNow()))
        {
            LogLost(logger, node.Name, MediaFleet.LostAfter);
            var lost = _fleet.Remove(node);
            WatchNodes();
            Tell(EventTypes.MediaNodeLost, lost);
        }

        return Task.CompletedTask;
    }

    /// <summary>Has the processes of those watched that live, and of no others.</summary>
    private void WatchNodes()
    {
        if (watch is null)
        {
            return;
        }

        var living = _fleet.Nodes.ToDictionary(n => n.Node, n => n.ControlUrl);
        foreach (var (gone, watched) in _watched.Where(w => !living.ContainsKey(w.Key)).ToArray())
        {
            watched.Dispose();
            _watched.Remove(gone);
        }

        var self = this.AsReference<IMediaFleetGrain>();
        foreach (var (node, url) in living.Where(n => !_watched.ContainsKey(n.Key)))
        {
            _watched[node] = watch.Watch(url, () => self.EndedAsync(node));
        }
    }

    private void Tell(string type, LostNode? lost)
    {
        if (lost is null)
        {
            return;
        }

        var now = time.GetUtcNow();
        _publisher.Publish(new MediaNodeGoneEvent(
            Guid.CreateVersion7(now), type, now, lost.Node.Name, lost.Node.Incarnation, lost.Rooms.Length));
        Move(lost.Node, lost.Rooms);
    }

    /// <summary>Tells all of the node's rooms at once. Not awaited: nobody is to wait for a room that does not answer, neither other rooms nor nodes.</summary>
    private void Move(MediaNodeId node, string[] rooms)
    {
        foreach (var room in rooms)
        {
            _ = MoveAsync(node, room);
        }
    }

    private async Task MoveAsync(MediaNodeId node, string room)
    {
        var since = time.GetTimestamp();
        while (!await TryMoveAsync(node, room) && time.GetElapsedTime(since) < TellFor)
        {
            await Task.Delay(TellAgainAfter, time, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            if (_ended.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task<bool> TryMoveAsync(MediaNodeId node, string room)
    {
        try
        {
            await GrainFactory.GetGrain<IRoomGrain>(room).MediaNodeLostAsync(node);
            return true;
        }
        catch (Exception e)
        {
            // Whatever it was, the other rooms have nothing to do with it.
            LogNotTold(logger, room, node.Name, e.Message);
            return false;
        }
    }

    [LoggerMessage(4100, LogLevel.Information, "Media node {Node} at {Url} joined the fleet; it takes {MaxConsumers} consumers")]
    private static partial void LogJoined(ILogger logger, string node, string url, int maxConsumers);

    [LoggerMessage(4101, LogLevel.Information, "Media node {Node} left the fleet")]
    private static partial void LogLeft(ILogger logger, string node);

    [LoggerMessage(4103, LogLevel.Information, "Media node {Node} is about to stop; {Rooms} rooms move to others")]
    private static partial void LogDraining(ILogger logger, string node, int rooms);

    [LoggerMessage(4104, LogLevel.Warning, "Media node {Node} is lost: its process has ended")]
    private static partial void LogEnded(ILogger logger, string node);

    [LoggerMessage(4105, LogLevel.Warning, "Room {Room} could not be told that media node {Node} is gone, and is told again: {Reason}")]
    private static partial void LogNotTold(ILogger logger, string room, string node, string reason);

    [LoggerMessage(4106, LogLevel.Debug, "A media node could not be asked for a heartbeat; it comes in its time")]
    private static partial void LogNotAsked(ILogger logger, Exception exception);

    [LoggerMessage(4102, LogLevel.Warning, "Media node {Node} is lost: silent for more than {LostAfter}")]
    private static partial void LogLost(ILogger logger, string node, TimeSpan lostAfter);
}
