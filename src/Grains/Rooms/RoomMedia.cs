using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Grains.Rooms;

/// <summary>
/// A room's lines to its media nodes: finds the nodes, takes over what they have, repeats the desired state after a loss,
/// and stamps every command with the activation's epoch. Pipes between the nodes are in the other part.
/// </summary>
internal sealed partial class RoomMedia(string roomName, Room room, RoomState state, IMediaFleetGrain fleet, TimeProvider time, ILogger logger)
{
    /// <summary>How long those on other nodes do not wait again for a node that did not answer.</summary>
    private static readonly TimeSpan Backoff = TimeSpan.FromSeconds(3);

    private readonly Dictionary<MediaNodeId, RoomLine> _lines = [];
    private string? _rtpCapabilitiesJson;
    private long _sequence;

    /// <summary>True after a node said that a newer activation of this room commands it.</summary>
    public bool IsSuperseded { get; private set; }

    /// <summary>True once this activation knows what the nodes have.</summary>
    public bool IsKnown => state.Node is not null && room.Nodes.All(n => LineOf(n).IsTakenOver);

    /// <summary>True when the stored nodes have changed since <see cref="MarkSaved"/>.</summary>
    public bool NeedsSave { get; private set; }

    /// <summary>Notes that the state was written.</summary>
    public void MarkSaved() => NeedsSave = false;

    /// <summary>
    /// Makes sure that living nodes have the room as this activation wants it; answers the router's capabilities. A fault of the
    /// node of <paramref name="participantId"/> is the answer, one of another node is not.
    /// </summary>
    public async Task<Outcome<string>> EnsureAsync(string? participantId = null)
    {
        if (state.Node is null && await OpenFirstAsync() is { } none)
        {
            return none;
        }

        var asked = OwnNode(participantId);
        Fault? fault = null;

        // The first node before others, since it tells the router's capabilities, which everybody is given who moves.
        MediaNodeId[] nodes = [.. room.Nodes];
        foreach (var node in nodes.Where(n => !LineOf(n).IsReady))
        {
            var line = LineOf(node);
            if (!room.Nodes.Contains(node) || (node != asked && time.GetUtcNow() - line.FailedAt < Backoff))
            {
                // Gone meanwhile, or silent: who is elsewhere does not wait for it again and again.
                continue;
            }

            if ((await EnsureAsync(line)).Fault is { } failed && node == asked)
            {
                fault = failed;
            }
        }

        await MergePipesAsync();
        return fault is not null && OwnNode(participantId) == asked ? fault : _rtpCapabilitiesJson!;
    }

    /// <summary>Runs one command at the participant's node. A node that does not answer gives Unavailable, and the next call reconciles first.</summary>
    public async Task<Outcome<MediaReply>> ExecuteAsync(string participantId, MediaCommand command)
    {
        var ready = await EnsureAsync(participantId);
        if (ready.Fault is { } fault)
        {
            return fault;
        }

        var reply = await ExecuteAsync(OwnNode(participantId), command);
        if (reply.Fault is null)
        {
            await FollowAsync(command);
        }

        return reply;
    }

    /// <summary>Runs one command at the room's first node.</summary>
    public async Task<Outcome<MediaReply>> ExecuteAtFirstAsync(MediaCommand command)
    {
        var ready = await EnsureAsync();
        return ready.Fault is { } fault ? fault : await ExecuteAsync(state.Node!, command);
    }

    /// <summary>Asks all of the room's nodes the same; a fault when one of them does not answer.</summary>
    public async Task<Outcome<MediaReply[]>> ExecuteAtAllAsync(MediaCommand command)
    {
        if ((await EnsureAsync()).Fault is { } fault)
        {
            return fault;
        }

        List<MediaReply> replies = [];
        foreach (var node in room.Nodes.ToArray())
        {
            var reply = await ExecuteAsync(node, command);
            if (reply.Fault is { } failed)
            {
                return failed;
            }

            replies.Add(reply.Value!);
        }

        return (MediaReply[])[.. replies];
    }

    /// <summary>Runs a command whose failure the node's reconciliation makes good, at the node of a participant who has left.</summary>
    public async Task ExecuteAtAsync(MediaNodeId? node, MediaCommand command)
    {
        await EnsureAsync();
        if (node is not null && room.Nodes.Contains(node))
        {
            await ExecuteAsync(node, command);
        }
    }

    /// <summary>
    /// Opens a transport at the participant's node, which it gets with its first transport: one that has room for it. A node all of whose workers are
    /// full says so, and is passed over for another while the fleet knows one.
    /// </summary>
    public async Task<Outcome<MediaReply>> OpenTransportAsync(string participantId, MediaCommand command)
    {
        while (true)
        {
            var isNew = room.Find(participantId) is { Node: null };
            if (await PlaceAsync(participantId) is { } none)
            {
                return none;
            }

            var line = LineOf(OwnNode(participantId));
            var wasFull = isNew && line.IsFull(time.GetUtcNow());
            var reply = await ExecuteAsync(participantId, command);
            if (reply.Fault is not { Code: FaultCode.Full } || room.Find(participantId) is not { } participant)
            {
                return reply;
            }

            line.FullAt = time.GetUtcNow();
            if (room.HasTransports(participantId))
            {
                // What it has there stays.
                return TooMany();
            }

            participant.Node = null;
            NeedsSave = true;
            if (wasFull)
            {
                // The fleet knows no other.
                LogFull(logger, roomName, line.Node.Name);
                return TooMany();
            }
        }
    }

    private async Task<Fault?> PlaceAsync(string participantId)
    {
        if (room.Find(participantId) is not { Node: null } participant)
        {
            return null;
        }

        var now = time.GetUtcNow();
        RoomShare[] shares = [.. room.Shares().Select(s => LineOf(s.Node).IsFull(now) ? s with { IsFull = true } : s)];
        var first = LineOf(state.Node!);
        if (!first.IsFull(now) && first.Placement is { } known && (Math.Max(known.Consumers, shares[0].Consumers) + shares[0].Expected) * 2 <= known.MaxConsumers)
        {
            // Far from full: the fleet need not be asked.
            participant.Node = first.Node;
            NeedsSave = true;
            return null;
        }

        var placed = await fleet.PlaceParticipantAsync(roomName, shares);
        if (placed.Fault is { } none)
        {
            return none;
        }

        var placement = placed.Value!;
        var line = LineOf(placement.NodeId);
        line.Place(placement);
        if (!room.Nodes.Contains(placement.NodeId))
        {
            if ((await OpenAsync(line)).Fault is { } fault)
            {
                return fault;
            }

            state.MoreNodes.Add(placement.NodeId);
            LogSpread(logger, roomName, placement.NodeId.Name, state.MoreNodes.Count + 1);
        }

        participant.Node = placement.NodeId;
        NeedsSave = true;
        return null;
    }

    /// <summary>Asks the fleet whether the nodes still live, and moves what was on those that do not.</summary>
    public async Task CheckAsync()
    {
        foreach (var node in room.Nodes.ToArray())
        {
            var line = LineOf(node);
            if (node != state.Node && !room.HasMediaOn(node))
            {
                await LeaveAsync(line);
                continue;
            }

            var placed = await fleet.PlaceAsync(roomName, node);
            if (placed.Fault is null)
            {
                await FollowAsync(line, placed.Value!);
            }
        }

        await EnsureAsync();
        await SyncPipesAsync();
    }

    /// <summary>The fleet says that a node is gone, or about to be. Moves what was there.</summary>
    public async Task NodeLostAsync(MediaNodeId node)
    {
        if (!room.Nodes.Contains(node))
        {
            return;
        }

        LogNodeLost(logger, roomName, node.Name);
        var line = LineOf(node);
        line.Placement = null;
        if (_rtpCapabilitiesJson is null)
        {
            // Nothing is known yet: the fleet is asked about the node below.
            LogUnknown(logger, roomName, node.Name);
        }
        else if (node != state.Node)
        {
            await DropAsync(line);
        }
        else if (state.MoreNodes.Count > 0)
        {
            await PromoteAsync(line, state.MoreNodes[0]);
        }

        await EnsureAsync();
    }

    /// <summary>Whether a node has, or is to have, something of the room.</summary>
    public bool Has(MediaNodeId node) => room.Nodes.Contains(node);

    /// <summary>Closes the room at its nodes. False when one did not confirm it.</summary>
    public async Task<bool> CloseAsync()
    {
        var closed = true;
        foreach (var line in _lines.Values.ToArray())
        {
            if (line.Placement is null && line.LastPlacement is { } last && (await fleet.ListAsync()).All(n => n.Node != last.NodeId))
            {
                _lines.Remove(line.Node);
                continue;
            }

            closed &= await CloseAtAsync(line);
        }

        if (closed)
        {
            state.MoreNodes.Clear();
        }

        return closed;
    }

    private MediaNodeId OwnNode(string? participantId) => (participantId is null ? null : room.NodeOf(participantId)) ?? state.Node!;

    private RoomLine LineOf(MediaNodeId node)
    {
        if (!_lines.TryGetValue(node, out var line))
        {
            line = _lines[node] = new RoomLine(node);
        }

        return line;
    }

    private async Task<Fault?> OpenFirstAsync()
    {
        var placed = await fleet.PlaceAsync(roomName, null);
        if (placed.Fault is { } none)
        {
            return none;
        }

        var line = LineOf(placed.Value!.NodeId);
        line.Place(placed.Value);
        var opened = await OpenAsync(line);
        if (opened.Fault is { } fault)
        {
            return fault;
        }

        state.Node = line.Node;
        NeedsSave = true;
        return null;
    }

    /// <summary>Steps: 1. find the node, or follow what the fleet says instead; 2. adopt, or reconcile.</summary>
    private async Task<Outcome<string>> EnsureAsync(RoomLine line)
    {
        // :: Step 1
        if (line.Placement is null)
        {
            var placed = await fleet.PlaceAsync(roomName, line.Node);
            if (placed.Fault is { } none)
            {
                return none;
            }

            if (placed.Value!.NodeId != line.Node)
            {
                return await FollowAsync(line, placed.Value);
            }

            line.Place(placed.Value);
        }

        // :: Step 2
        var outcome = line.IsTakenOver ? await ReconcileAsync(line) : await AdoptAsync(line);
        if (outcome.Fault is null)
        {
            Ready(line, outcome.Value!);
        }

        return outcome;
    }

    /// <summary>Takes the fleet's word for where a node's part of the room is to be.</summary>
    private async Task<Outcome<string>> FollowAsync(RoomLine line, MediaPlacement placement)
    {
        if (placement.NodeId == line.Node)
        {
            // On its own node a room that was taken over is reconciled: adopting would keep what a lost reply left behind.
            line.Place(placement);
            return _rtpCapabilitiesJson ?? "";
        }

        if (line.Node != state.Node)
        {
            if (_rtpCapabilitiesJson is null)
            {
                return Silent();
            }

            if (!room.Nodes.Contains(placement.NodeId))
            {
                await fleet.ReleaseAsync(roomName, placement.NodeId);
            }

            await DropAsync(line);
            return _rtpCapabilitiesJson ?? "";
        }

        var next = LineOf(placement.NodeId);
        next.Place(placement);
        if (!room.Nodes.Contains(next.Node) && (await OpenAsync(next)).Fault is { } fault)
        {
            return fault;
        }

        LogMoved(logger, roomName, next.Node.Name);
        await PromoteAsync(line, next.Node);
        return _rtpCapabilitiesJson ?? "";
    }

    /// <summary>Another node takes the place of the room's first, which is gone.</summary>
    private async Task PromoteAsync(RoomLine lost, MediaNodeId next)
    {
        // Who has no media is on the first node: they are moved with those who have.
        await DropAsync(lost);
        state.MoreNodes.Remove(next);
        state.Node = next;
        NeedsSave = true;
    }

    /// <summary>A node is gone with what was there.</summary>
    private async Task DropAsync(RoomLine line)
    {
        _lines.Remove(line.Node);
        await ForgetPipesAsync(line.Node);
        room.MoveMedia(line.Node, _rtpCapabilitiesJson ?? "{}");
        state.MoreNodes.Remove(line.Node);
        NeedsSave = true;
    }

    /// <summary>Nobody is on the node any more.</summary>
    private async Task LeaveAsync(RoomLine line)
    {
        if (!line.IsReady || await CloseAtAsync(line))
        {
            await ForgetPipesAsync(line.Node);
            _lines.Remove(line.Node);
            state.MoreNodes.Remove(line.Node);
            NeedsSave = true;
        }
    }

    private async Task<bool> CloseAtAsync(RoomLine line)
    {
        if (line.LastPlacement is null)
        {
            return true;
        }

        var closed = await CallAsync(line, line.LastPlacement, (placement, header) => placement.Node.ExecuteAsync(header, new CloseRoom()));
        if (closed.Fault is not null)
        {
            return false;
        }

        await fleet.ReleaseAsync(roomName, line.Node);
        _lines.Remove(line.Node);
        return true;
    }

    private async Task<Outcome<string>> OpenAsync(RoomLine line)
    {
        var opened = await ExecuteAsync(line, new OpenRoom());
        if (opened.Fault is { } fault)
        {
            return fault;
        }

        Ready(line, ((RoomOpened)opened.Value!).RtpCapabilitiesJson);
        return _rtpCapabilitiesJson!;
    }

    private void Ready(RoomLine line, string capabilities)
    {
        _rtpCapabilitiesJson = capabilities;
        line.IsTakenOver = true;
        line.IsUncertain = false;
    }

    private async Task<Outcome<string>> AdoptAsync(RoomLine line)
    {
        var participants = room.ParticipantsOn(line.Node);
        var adopted = await CallAsync(line, line.Placement!, (placement, header) => placement.Node.AdoptAsync(header, participants));
        if (adopted.Fault is { } fault)
        {
            return fault;
        }

        room.Adopt(line.Node, adopted.Value!);
        line.Adopted = adopted.Value!.Pipes ?? [];
        _arePipesMerged = false;
        return adopted.Value!.RtpCapabilitiesJson;
    }

    private async Task<Outcome<string>> ReconcileAsync(RoomLine line)
    {
        var desired = room.Desired(line.Node) with { Pipes = DesiredPipes(line) };
        var reconciled = await CallAsync(line, line.Placement!, (placement, header) => placement.Node.ReconcileAsync(header, desired));
        if (reconciled.Fault is { } fault)
        {
            return fault;
        }

        room.RemoveMissing(reconciled.Value!);
        await MendPipesAsync(line, reconciled.Value!.Pipes ?? []);
        return reconciled.Value!.RtpCapabilitiesJson;
    }

    private Task<Outcome<MediaReply>> ExecuteAsync(MediaNodeId node, MediaCommand command) => ExecuteAsync(LineOf(node), command);

    private async Task<Outcome<MediaReply>> ExecuteAsync(RoomLine line, MediaCommand command) =>
        line.Placement is { } ready
            ? await CallAsync(line, ready, (placement, header) => placement.Node.ExecuteAsync(header, command))
            : Silent();

    private async Task<Outcome<T>> CallAsync<T>(RoomLine line, MediaPlacement placement, Func<MediaPlacement, RoomCommandHeader, Task<Outcome<T>>> call)
    {
        try
        {
            var outcome = await call(placement, new RoomCommandHeader(roomName, state.Epoch, ++_sequence, room.TopSpeakers));
            if (outcome.Fault?.Code == FaultCode.Superseded)
            {
                IsSuperseded = true;
                LogSuperseded(logger, roomName, state.Epoch);
                return new Fault(FaultCode.Unavailable, "The room is moving to another server. Try again.");
            }

            return outcome;
        }
        catch (Exception e) when (e is TimeoutException or OrleansException or OperationCanceledException)
        {
            // Whether the command was executed is unknown: ask the fleet for the node again, then reconcile.
            line.Placement = null;
            line.IsUncertain = true;
            line.FailedAt = time.GetUtcNow();
            LogNodeSilent(logger, roomName, placement.NodeId.Name, e.GetType().Name);
            return Silent();
        }
    }

    private static Fault TooMany() => new(FaultCode.Unavailable, "The media nodes have no room for another transport. Try again later.");

    private static Fault Silent() => new(FaultCode.Unavailable, "The media node does not answer. Try again.");

    [LoggerMessage(4000, LogLevel.Warning, "Room {Room}: media node {Node} does not answer ({Error}); the room is reconciled before the next command")]
    private static partial void LogNodeSilent(ILogger logger, string room, string node, string error);

    [LoggerMessage(4001, LogLevel.Warning, "Room {Room}: media node {Node} is lost or stops")]
    private static partial void LogNodeLost(ILogger logger, string room, string node);

    [LoggerMessage(4002, LogLevel.Information, "Room {Room}: media moved to node {Node}")]
    private static partial void LogMoved(ILogger logger, string room, string node);

    [LoggerMessage(4003, LogLevel.Warning, "Room {Room}: epoch {Epoch} was superseded by a newer activation")]
    private static partial void LogSuperseded(ILogger logger, string room, long epoch);

    [LoggerMessage(4007, LogLevel.Debug, "Room {Room}: what media node {Node} had is not known yet")]
    private static partial void LogUnknown(ILogger logger, string room, string node);

    [LoggerMessage(4008, LogLevel.Warning, "Room {Room}: media node {Node} has no room for another transport (Media:MaxTransportsPerWorker), and there is no other node")]
    private static partial void LogFull(ILogger logger, string room, string node);

    [LoggerMessage(4004, LogLevel.Information, "Room {Room}: media node {Node} takes further participants; the room is on {Count} nodes")]
    private static partial void LogSpread(ILogger logger, string room, string node, int count);
}
