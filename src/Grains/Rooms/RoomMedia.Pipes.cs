using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Grains.Rooms;

/// <summary>
/// Pipes between the room's media nodes. Each two of them have one, and each producer goes once to every node where somebody
/// receives it. What is not sure any more is closed at both ends and made anew: <see cref="SyncPipesAsync"/> finds what is missing.
/// </summary>
internal sealed partial class RoomMedia
{
    private readonly RoomPipes _pipes = new();
    private bool _arePipesMerged = true;

    /// <summary>Brings a producer to the participant's node, if it is on another.</summary>
    public async Task<Fault?> BringAsync(RoomProducer producer, string participantId)
    {
        var from = OwnNode(producer.ParticipantId);
        var to = OwnNode(participantId);
        return from == to ? null : await BringAsync(producer, from, to);
    }

    /// <summary>Brings every voice to the participant's node: somebody there hears the loudest, or the mix.</summary>
    public Task BringVoicesAsync(string participantId) => BringWantedAsync(OwnNode(participantId));

    /// <summary>Brings everything that is recorded to the node that records, the room's first.</summary>
    public Task BringRecordedAsync() => BringWantedAsync(state.Node);

    private async Task BringWantedAsync(MediaNodeId? to)
    {
        if (to is null || state.MoreNodes.Count == 0)
        {
            return;
        }

        foreach (var producer in room.WantedOn(to))
        {
            // One that cannot be had does not keep the others away; maintenance tries again.
            await BringAsync(producer, OwnNode(producer.ParticipantId), to);
        }
    }

    /// <summary>Takes a new producer to the nodes where somebody hears all voices, or where it is recorded.</summary>
    public async Task SpreadAsync(string producerId)
    {
        if (state.MoreNodes.Count == 0 || room.FindProducer(producerId) is not { } producer)
        {
            return;
        }

        var from = OwnNode(producer.ParticipantId);
        foreach (var to in room.Nodes.Where(n => n != from && room.IsWantedOn(n, producerId)).ToArray())
        {
            await BringAsync(producer, from, to);
        }
    }

    /// <summary>Ends what comes out of pipes of producers that are no more.</summary>
    public async Task TrimPipesAsync()
    {
        if (_pipes.IsEmpty)
        {
            return;
        }

        foreach (var pipe in _pipes.All)
        {
            foreach (var (producerId, from) in pipe.Producers.Where(p => !room.HasProducer(p.Key)).ToArray())
            {
                pipe.Producers.Remove(producerId);
                await ExecuteAsync(pipe.OtherEnd(from), new CloseProducer(producerId));
            }
        }
    }

    /// <summary>Makes what is missing and ends what nobody receives any more.</summary>
    private async Task SyncPipesAsync()
    {
        if (state.MoreNodes.Count == 0 || !_arePipesMerged)
        {
            return;
        }

        var wanted = room.Nodes.ToDictionary(n => n, room.WantedOn);
        foreach (var (to, producers) in wanted.Where(w => LineOf(w.Key).IsReady))
        {
            foreach (var producer in producers)
            {
                await BringAsync(producer, OwnNode(producer.ParticipantId), to);
            }
        }

        foreach (var pipe in _pipes.All)
        {
            var here = wanted[pipe.One].Concat(wanted[pipe.Other]).Select(p => p.Id).ToHashSet();
            foreach (var (producerId, from) in pipe.Producers.Where(p => !here.Contains(p.Key)).ToArray())
            {
                pipe.Producers.Remove(producerId);
                await ExecuteAsync(pipe.OtherEnd(from), new CloseProducer(producerId));
                await ExecuteAsync(from, new ClosePipeConsumer(pipe.Id, producerId));
            }
        }
    }

    /// <summary>Repeats at the other nodes what was done to a producer at its own.</summary>
    private async Task FollowAsync(MediaCommand command)
    {
        var producerId = command switch
        {
            SetProducerPaused paused => paused.ProducerId,
            CloseProducer closed => closed.ProducerId,
            _ => null,
        };
        if (producerId is null)
        {
            return;
        }

        foreach (var pipe in _pipes.With(producerId))
        {
            // A node that does not answer is reconciled with the state that the room has by then.
            var to = pipe.OtherEnd(pipe.Producers[producerId]);
            if (command is CloseProducer)
            {
                pipe.Producers.Remove(producerId);
            }

            await ExecuteAsync(to, command);
        }
    }

    private async Task<Fault?> BringAsync(RoomProducer producer, MediaNodeId from, MediaNodeId to)
    {
        if (_pipes.Find(from, to) is { IsConnected: true } known && known.Producers.ContainsKey(producer.Id))
        {
            return null;
        }

        if (!_arePipesMerged || !LineOf(from).IsReady || !LineOf(to).IsReady)
        {
            return Silent();
        }

        var pipe = _pipes.Find(from, to) ?? _pipes.Add(Guid.NewGuid().ToString(), from, to);
        var fault = (pipe.IsConnected ? null : await ConnectAsync(pipe)) ?? await BringAsync(pipe, producer, from, to);
        if (fault is not null)
        {
            LogBroken(logger, roomName, from.Name, to.Name, fault.Message);
            await EndAsync(pipe);
        }

        return fault;
    }

    private async Task<Fault?> BringAsync(RoomPipe pipe, RoomProducer producer, MediaNodeId from, MediaNodeId to)
    {
        var consumed = await ExecuteAsync(from, new CreatePipeConsumer(pipe.Id, producer.Id));
        if (consumed.Fault is { } refused)
        {
            return refused;
        }

        var opened = (PipeConsumerOpened)consumed.Value!;
        var produced = await ExecuteAsync(
            to, new CreatePipeProducer(pipe.Id, producer.Id, producer.Kind, opened.RtpParametersJson, room.IsHeldBack(producer), producer.ParticipantId));
        if (produced.Fault is { } fault)
        {
            return fault;
        }

        pipe.Producers[producer.Id] = from;
        return null;
    }

    private async Task<Fault?> ConnectAsync(RoomPipe pipe)
    {
        var one = await ExecuteAsync(pipe.One, new CreatePipeTransport(pipe.Id));
        var other = one.Fault is null ? await ExecuteAsync(pipe.Other, new CreatePipeTransport(pipe.Id)) : one;
        if (other.Fault is { } refused)
        {
            return refused;
        }

        var connected = await ExecuteAsync(pipe.One, new ConnectPipeTransport(pipe.Id, ((PipeTransportOpened)other.Value!).Local));
        if (connected.Fault is null)
        {
            connected = await ExecuteAsync(pipe.Other, new ConnectPipeTransport(pipe.Id, ((PipeTransportOpened)one.Value!).Local));
        }

        pipe.IsConnected = connected.Fault is null;
        if (pipe.IsConnected)
        {
            LogConnected(logger, roomName, pipe.One.Name, pipe.Other.Name);
        }

        return connected.Fault;
    }

    /// <summary>Ends a pipe at both ends, as far as they answer; the others' reconciliation does the rest.</summary>
    private async Task EndAsync(RoomPipe pipe, MediaNodeId? gone = null)
    {
        if (!_pipes.Remove(pipe))
        {
            return;
        }

        foreach (var node in (MediaNodeId[])[pipe.One, pipe.Other])
        {
            if (node != gone && _lines.TryGetValue(node, out var line))
            {
                await ExecuteAsync(line, new ClosePipeTransport(pipe.Id));
            }
        }
    }

    /// <summary>The pipes of a node that is gone end at their other ends.</summary>
    private async Task ForgetPipesAsync(MediaNodeId node)
    {
        foreach (var pipe in _pipes.Of(node))
        {
            await EndAsync(pipe, gone: node);
        }
    }

    /// <summary>What a node should have of pipes. Before those of all nodes are known it keeps what it has.</summary>
    private DesiredPipe[] DesiredPipes(RoomLine line) => _arePipesMerged
        ? [.. _pipes.Of(line.Node).Select(p => p.DesiredAt(line.Node, IsHeldBack))]
        : [.. line.Adopted.Select(p => new DesiredPipe(p.PipeId, p.Out, [.. p.In.Select(i => new DesiredPipedProducer(i, IsHeldBack(i)))]))];

    private bool IsHeldBack(string producerId) => room.FindProducer(producerId) is { } producer && room.IsHeldBack(producer);

    /// <summary>A reconciled node answered the pipes that it has: what it lost is made anew.</summary>
    private async Task MendPipesAsync(RoomLine line, AdoptedPipe[] has)
    {
        foreach (var pipe in _pipes.Of(line.Node))
        {
            if (Array.Find(has, p => p.PipeId == pipe.Id) is not { } found || found.IsConnected != pipe.IsConnected)
            {
                await EndAsync(pipe);
                continue;
            }

            foreach (var (producerId, from) in pipe.Producers.ToArray())
            {
                if (!(from == line.Node ? found.Out : found.In).Contains(producerId))
                {
                    pipe.Producers.Remove(producerId);
                }
                else if (from == line.Node)
                {
                    // A mute that this node did not answer was not repeated at the other.
                    await ExecuteAsync(pipe.OtherEnd(from), new SetProducerPaused(producerId, IsHeldBack(producerId)));
                }
            }
        }
    }

    /// <summary>
    /// After this activation has asked every node: keeps the pipes that both ends have, with what goes through at both, and ends the
    /// others.
    /// </summary>
    private async Task MergePipesAsync()
    {
        if (_arePipesMerged || !IsKnown)
        {
            return;
        }

        room.RemoveOrphans();
        RoomLine[] lines = [.. room.Nodes.Select(LineOf)];
        List<(RoomLine Line, string PipeId)> odd = [];
        foreach (var line in lines)
        {
            foreach (var adopted in line.Adopted)
            {
                var peer = Array.Find(lines, l => l != line && l.Adopted.Any(p => p.PipeId == adopted.PipeId));
                if (peer is null || _pipes.Find(line.Node, peer.Node) is { } taken && taken.Id != adopted.PipeId)
                {
                    odd.Add((line, adopted.PipeId));
                    continue;
                }

                var there = Array.Find(peer.Adopted, p => p.PipeId == adopted.PipeId)!;
                var pipe = _pipes.Find(line.Node, peer.Node) ?? _pipes.Add(adopted.PipeId, line.Node, peer.Node);
                pipe.IsConnected = adopted.IsConnected && there.IsConnected;
                foreach (var producerId in adopted.Out.Intersect(there.In).Where(room.HasProducer))
                {
                    pipe.Producers[producerId] = line.Node;
                }
            }
        }

        foreach (var line in lines)
        {
            line.Adopted = [];
        }

        _arePipesMerged = true;
        foreach (var (line, pipeId) in odd)
        {
            await ExecuteAsync(line, new ClosePipeTransport(pipeId));
        }

        foreach (var pipe in _pipes.All.Where(p => !p.IsConnected))
        {
            await EndAsync(pipe);
        }

        await SyncPipesAsync();
    }

    [LoggerMessage(4005, LogLevel.Information, "Room {Room}: media nodes {One} and {Other} are joined by a pipe")]
    private static partial void LogConnected(ILogger logger, string room, string one, string other);

    [LoggerMessage(4006, LogLevel.Warning, "Room {Room}: the pipe from media node {From} to {To} cannot be used: {Reason}")]
    private static partial void LogBroken(ILogger logger, string room, string from, string to, string reason);
}
