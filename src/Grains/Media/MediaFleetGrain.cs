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
public sealed partial class MediaFleetGrain(TimeProvider time, ILogger<MediaFleetGrain> logger, IEventPublisher? publisher = null)
    : Grain, IMediaFleetGrain
{
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
            new GrainTimerCreationOptions(MediaFleet.HeartbeatEvery, MediaFleet.HeartbeatEvery) { KeepAlive = true });
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<bool> HeartbeatAsync(MediaNodeHeartbeat heartbeat, IMediaNode node)
    {
        var lost = _fleet.Heartbeat(heartbeat, node, time.GetUtcNow(), out var isNew);
        if (isNew)
        {
            LogJoined(logger, heartbeat.Node.Name, heartbeat.ControlUrl, heartbeat.MaxConsumers);
            var waiting = _nextNode;
            _nextNode = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.TrySetResult();
        }

        // The earlier start of the same node ended before this one began.
        await TellAsync(EventTypes.MediaNodeLost, lost);
        if (isNew)
        {
            var now = time.GetUtcNow();
            _publisher.Publish(new MediaNodeJoinedEvent(
                Guid.CreateVersion7(now), now, heartbeat.Node.Name, heartbeat.Node.Incarnation, heartbeat.ControlUrl, heartbeat.MaxConsumers));
        }

        return isNew;
    }

    /// <inheritdoc/>
    public Task StateRoomsAsync(MediaNodeId node, string[] rooms)
    {
        _fleet.StateRooms(node, rooms);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<int> DrainAsync(MediaNodeId node)
    {
        var rooms = _fleet.Drain(node);
        LogDraining(logger, node.Name, rooms.Length);
        await MoveAsync(node, rooms);
        return rooms.Length;
    }

    /// <inheritdoc/>
    public async Task LeaveAsync(MediaNodeId node)
    {
        LogLeft(logger, node.Name);
        await TellAsync(EventTypes.MediaNodeLeft, _fleet.Leave(node, time.GetUtcNow()));
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

    private async Task FindLostNodesAsync(CancellationToken cancellationToken)
    {
        foreach (var node in _fleet.Silent(time.GetUtcNow()))
        {
            LogLost(logger, node.Name, MediaFleet.LostAfter);
            await TellAsync(EventTypes.MediaNodeLost, _fleet.Remove(node));
        }
    }

    private async Task TellAsync(string type, LostNode? lost)
    {
        if (lost is null)
        {
            return;
        }

        var now = time.GetUtcNow();
        _publisher.Publish(new MediaNodeGoneEvent(
            Guid.CreateVersion7(now), type, now, lost.Node.Name, lost.Node.Incarnation, lost.Rooms.Length));
        await MoveAsync(lost.Node, lost.Rooms);
    }

    private async Task MoveAsync(MediaNodeId node, string[] rooms)
    {
        foreach (var room in rooms)
        {
            await GrainFactory.GetGrain<IRoomGrain>(room).MediaNodeLostAsync(node);
        }
    }

    [LoggerMessage(4100, LogLevel.Information, "Media node {Node} at {Url} joined the fleet; it takes {MaxConsumers} consumers")]
    private static partial void LogJoined(ILogger logger, string node, string url, int maxConsumers);

    [LoggerMessage(4101, LogLevel.Information, "Media node {Node} left the fleet")]
    private static partial void LogLeft(ILogger logger, string node);

    [LoggerMessage(4103, LogLevel.Information, "Media node {Node} is about to stop; {Rooms} rooms move to others")]
    private static partial void LogDraining(ILogger logger, string node, int rooms);

    [LoggerMessage(4102, LogLevel.Warning, "Media node {Node} is lost: silent for more than {LostAfter}")]
    private static partial void LogLost(ILogger logger, string node, TimeSpan lostAfter);
}
