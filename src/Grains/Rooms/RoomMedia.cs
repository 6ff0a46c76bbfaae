using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Grains.Rooms;

/// <summary>
/// A room's line to its media node: finds the node, takes over what it has, repeats the desired state after a loss,
/// and stamps every command with the activation's epoch.
/// </summary>
internal sealed partial class RoomMedia(string roomName, Room room, RoomState state, IMediaFleetGrain fleet, ILogger logger)
{
    private MediaPlacement? _placement;

    // The node that did not answer last, and may have executed what it was told.
    private MediaPlacement? _silent;
    private string? _rtpCapabilitiesJson;
    private bool _takenOver;
    private bool _uncertain;
    private long _sequence;

    /// <summary>True after the node said that a newer activation of this room commands it.</summary>
    public bool IsSuperseded { get; private set; }

    /// <summary>True once this activation knows what the node has.</summary>
    public bool IsKnown => _takenOver;

    /// <summary>True when the stored node has changed since <see cref="MarkSaved"/>.</summary>
    public bool NeedsSave { get; private set; }

    /// <summary>Notes that the state was written.</summary>
    public void MarkSaved() => NeedsSave = false;

    /// <summary>
    /// Makes sure that a living node has the room as this activation wants it; answers the router's capabilities.
    /// Steps: 1. place; 2. open on a new node, or adopt, or reconcile.
    /// </summary>
    public async Task<Outcome<string>> EnsureAsync()
    {
        if (_placement is not null && _takenOver && !_uncertain)
        {
            return _rtpCapabilitiesJson!;
        }

        // :: Step 1
        if (_placement is null)
        {
            var placed = await fleet.PlaceAsync(roomName, state.Node);
            if (placed.Fault is { } none)
            {
                return none;
            }

            _placement = placed.Value!;
        }

        // :: Step 2
        var outcome = _placement.NodeId != state.Node ? await OpenOnNewNodeAsync(_placement)
            : !_takenOver ? await AdoptAsync(_placement)
            : await ReconcileAsync(_placement);
        if (outcome.Fault is null)
        {
            _rtpCapabilitiesJson = outcome.Value!;
            _takenOver = true;
            _uncertain = false;
        }

        return outcome;
    }

    /// <summary>Runs one command. A node that does not answer gives Unavailable, and the next call reconciles first.</summary>
    public async Task<Outcome<MediaReply>> ExecuteAsync(MediaCommand command)
    {
        var ready = await EnsureAsync();
        if (ready.Fault is { } fault)
        {
            return fault;
        }

        var placement = _placement!;
        return await CallAsync(placement, header => placement.Node.ExecuteAsync(header, command));
    }

    /// <summary>Asks the fleet whether the node still lives, and moves the room if not.</summary>
    public async Task CheckAsync()
    {
        var placed = await fleet.PlaceAsync(roomName, state.Node);
        if (placed.Fault is null && placed.Value!.NodeId != _placement?.NodeId)
        {
            // On its own node a room that was taken over is reconciled: adopting would keep what a lost reply left behind.
            _placement = placed.Value;
        }

        await EnsureAsync();
    }

    /// <summary>The fleet says that a node is gone, or about to be. Moves the room when it was there.</summary>
    public async Task NodeLostAsync(MediaNodeId node)
    {
        if (state.Node != node)
        {
            return;
        }

        LogNodeLost(logger, roomName, node.Name);
        _placement = null;
        await EnsureAsync();
    }

    /// <summary>Closes the room at its node. False when the node did not confirm it.</summary>
    public async Task<bool> CloseAsync()
    {
        if (_placement is not { } placement)
        {
            if (_silent is null || (await fleet.ListAsync()).All(n => n.Node != _silent.NodeId))
            {
                return true;
            }

            placement = _silent;
        }

        var closed = await CallAsync(placement, header => placement.Node.ExecuteAsync(header, new CloseRoom()));
        if (closed.Fault is not null)
        {
            return false;
        }

        await fleet.ReleaseAsync(roomName, placement.NodeId);
        return true;
    }

    private async Task<Outcome<string>> OpenOnNewNodeAsync(MediaPlacement placement)
    {
        var opened = await CallAsync(placement, header => placement.Node.ExecuteAsync(header, new OpenRoom()));
        if (opened.Fault is { } fault)
        {
            return fault;
        }

        var capabilities = ((RoomOpened)opened.Value!).RtpCapabilitiesJson;
        var moved = state.Node is not null;
        state.Node = placement.NodeId;
        NeedsSave = true;
        if (moved)
        {
            LogMoved(logger, roomName, placement.NodeId.Name);
            room.MoveMedia(capabilities);
        }

        return capabilities;
    }

    private async Task<Outcome<string>> AdoptAsync(MediaPlacement placement)
    {
        string[] participants = [.. room.Snapshot().Participants.Select(p => p.ParticipantId)];
        var adopted = await CallAsync(placement, header => placement.Node.AdoptAsync(header, participants));
        if (adopted.Fault is { } fault)
        {
            return fault;
        }

        room.Adopt(adopted.Value!);
        return adopted.Value!.RtpCapabilitiesJson;
    }

    private async Task<Outcome<string>> ReconcileAsync(MediaPlacement placement)
    {
        var desired = room.Desired();
        var reconciled = await CallAsync(placement, header => placement.Node.ReconcileAsync(header, desired));
        if (reconciled.Fault is { } fault)
        {
            return fault;
        }

        room.RemoveMissing(reconciled.Value!);
        return reconciled.Value!.RtpCapabilitiesJson;
    }

    private async Task<Outcome<T>> CallAsync<T>(MediaPlacement placement, Func<RoomCommandHeader, Task<Outcome<T>>> call)
    {
        try
        {
            var outcome = await call(new RoomCommandHeader(roomName, state.Epoch, ++_sequence));
            if (outcome.Fault?.Code == FaultCode.Superseded)
            {
                IsSuperseded = true;
                LogSuperseded(logger, roomName, state.Epoch);
                return new Fault(FaultCode.Unavailable, "The room is moving to another server. Try again.");
            }

            _silent = null;
            return outcome;
        }
        catch (Exception e) when (e is TimeoutException or OrleansException or OperationCanceledException)
        {
            // Whether the command was executed is unknown: ask the fleet for the node again, then reconcile.
            _placement = null;
            _silent = placement;
            _uncertain = true;
            LogNodeSilent(logger, roomName, placement.NodeId.Name, e.GetType().Name);
            return new Fault(FaultCode.Unavailable, "The media node does not answer. Try again.");
        }
    }

    [LoggerMessage(4000, LogLevel.Warning, "Room {Room}: media node {Node} does not answer ({Error}); the room is reconciled before the next command")]
    private static partial void LogNodeSilent(ILogger logger, string room, string node, string error);

    [LoggerMessage(4001, LogLevel.Warning, "Room {Room}: media node {Node} is lost or stops")]
    private static partial void LogNodeLost(ILogger logger, string room, string node);

    [LoggerMessage(4002, LogLevel.Information, "Room {Room}: media moved to node {Node}")]
    private static partial void LogMoved(ILogger logger, string room, string node);

    [LoggerMessage(4003, LogLevel.Warning, "Room {Room}: epoch {Epoch} was superseded by a newer activation")]
    private static partial void LogSuperseded(ILogger logger, string room, long epoch);
}
