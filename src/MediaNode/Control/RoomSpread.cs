using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Control;

/// <summary>
/// A room on several workers of the node, of which its grain knows nothing. The part where it was opened, its home, admits each command;
/// the part that has the object runs it. Nothing is remembered here of who has what: the parts are asked, so nothing can be wrong. A room
/// that is not spread does not come here. Off the workers' threads; one command at a time.
/// </summary>
internal sealed partial class RoomSpread(ControlledRoom home, IRoomParts parts, int limit, ILogger logger)
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile ControlledRoom[] _branches = [];
    private volatile bool _isUsed;
    private int _toldLimit = -1;

    /// <summary>True while the room is on more than one worker.</summary>
    public bool IsSplit => _branches.Length > 0;

    /// <summary>All parts, the home first.</summary>
    public ControlledRoom[] Parts => [home, .. _branches];

    /// <summary>Whether commands have to come here at present.</summary>
    public bool IsNeeded => _isUsed;

    /// <summary>Whether a command is for this class; the others are for the room's only worker.</summary>
    public bool Takes(MediaCommand command) => _isUsed || (command is CreateWebRtcTransport && !HasRoom(home));

    /// <summary>Runs a command; null when the room has closed meanwhile.</summary>
    public Task<Outcome<MediaReply>?> ExecuteAsync(RoomCommandHeader header, MediaCommand command) => WithGateAsync(async () =>
    {
        if (command is CloseRoom)
        {
            var closed = await parts.RunAtHomeAsync(home, header, (room, worker, now) => room.Execute(command, worker, now)).ConfigureAwait(false);
            await CloseBranchesIfClosedAsync().ConfigureAwait(false);
            return closed;
        }

        var ids = CommandIds.Of(command);
        var looked = await parts.RunAtHomeAsync(home, header, (room, worker, now) => room.LookAtHome(ids, worker, now)).ConfigureAwait(false);
        if (looked?.Value is not { } found)
        {
            return looked?.Fault is { } fault ? (Outcome<MediaReply>)fault : null;
        }

        await LimitSpeakersAsync(header.TopSpeakers).ConfigureAwait(false);
        var where = await LookAsync(found.Holds, ids).ConfigureAwait(false);
        var reply = await RunAsync(header, command, where).ConfigureAwait(false);
        await CloseBranchesIfClosedAsync().ConfigureAwait(false);
        return reply;
    });

    /// <inheritdoc cref="IMediaNode.AdoptAsync"/>
    public Task<Outcome<RoomAdopted>?> AdoptAsync(RoomCommandHeader header, string[] participantIds) => WithGateAsync(async () =>
    {
        // Twice: those of gone participants close at first, then what other parts had of them, and then the rest is told.
        var adopted = await parts.RunAtHomeAsync(home, header, (room, worker, now) => room.Adopt(participantIds, worker, now)).ConfigureAwait(false);
        if (adopted is null or { Fault: not null })
        {
            return adopted;
        }

        await LimitSpeakersAsync(header.TopSpeakers).ConfigureAwait(false);
        await EachBranchAsync((room, worker, now) => room.Adopt(participantIds, worker, now)).ConfigureAwait(false);
        await TidyAsync().ConfigureAwait(false);
        adopted = await parts.RunAtHomeAsync(home, header, (room, worker, now) => room.Adopt(participantIds, worker, now)).ConfigureAwait(false);
        if (adopted is null or { Fault: not null })
        {
            return adopted;
        }

        var all = adopted.Value!;
        foreach (var branch in await EachBranchAsync((room, worker, now) => room.Adopt(participantIds, worker, now)).ConfigureAwait(false))
        {
            if (branch.Value is { } more)
            {
                all = all with
                {
                    Transports = [.. all.Transports, .. more.Transports],
                    Producers = [.. all.Producers, .. more.Producers],
                    Consumers = [.. all.Consumers, .. more.Consumers],
                };
            }
        }

        return (Outcome<RoomAdopted>)all;
    });

    /// <inheritdoc cref="IMediaNode.ReconcileAsync"/>
    public Task<Outcome<RoomReconciled>?> ReconcileAsync(RoomCommandHeader header, DesiredRoom desired) => WithGateAsync(async () =>
    {
        var here = desired with { Pipes = null };
        var reconciled = await parts.RunAtHomeAsync(home, header, (room, worker, now) => room.Reconcile(desired, worker, now)).ConfigureAwait(false);
        if (reconciled is null or { Fault: not null })
        {
            return reconciled;
        }

        await EachBranchAsync((room, worker, now) => room.Reconcile(here, worker, now)).ConfigureAwait(false);
        await LimitSpeakersAsync(header.TopSpeakers).ConfigureAwait(false);
        await TidyAsync().ConfigureAwait(false);
        reconciled = await parts.RunAtHomeAsync(home, header, (room, worker, now) => room.Reconcile(desired, worker, now)).ConfigureAwait(false);
        if (reconciled is null or { Fault: not null })
        {
            return reconciled;
        }

        // Missing is what no part has.
        var all = reconciled.Value!;
        foreach (var branch in await EachBranchAsync((room, worker, now) => room.Reconcile(here, worker, now)).ConfigureAwait(false))
        {
            if (branch.Value is { } more)
            {
                all = all with
                {
                    MissingTransports = [.. all.MissingTransports.Intersect(more.MissingTransports)],
                    MissingProducers = [.. all.MissingProducers.Intersect(more.MissingProducers)],
                    MissingConsumers = [.. all.MissingConsumers.Intersect(more.MissingConsumers)],
                };
            }
        }

        return (Outcome<RoomReconciled>)all;
    });

    /// <summary>Does something at the room's home for which a producer has to be there, though its client be at another part.</summary>
    public Task<T> WithProducerAtHomeAsync<T>(string producerId, Func<Task<T>> action) => !_isUsed ? action() : WithGateAsync(async () =>
    {
        var where = await LookAsync(Holds.Nothing, new CommandIds(Producer: producerId)).ConfigureAwait(false);
        if (where.With(Holds.Producer) is { } source && source != home)
        {
            await PipeAsync(source, home, producerId, withVideo: true).ConfigureAwait(false);
        }

        return await action().ConfigureAwait(false);
    });

    private async Task<Outcome<MediaReply>?> RunAsync(RoomCommandHeader header, MediaCommand command, Whereabouts where)
    {
        var atTransport = where.With(Holds.Transport) ?? home;
        var atProducer = where.With(Holds.Producer);
        var atConsumer = where.With(Holds.Consumer);
        switch (command)
        {
            case CreateWebRtcTransport:
                return await OpenTransportAsync(header, command, where).ConfigureAwait(false);
            case ConnectWebRtcTransport or SetMaxVideoBitrate or RestartIce:
                return await AtAsync(atTransport, header, command).ConfigureAwait(false);
            case CloseTransport:
                var closed = await AtAsync(atTransport, header, command).ConfigureAwait(false);
                TidySoon();
                return closed;
            case CreateProducer when atProducer is not null && atProducer != atTransport:
                return new Fault(FaultCode.Conflict, "The producer belongs to another transport.");
            case CreateProducer c:
                var produced = await AtAsync(atTransport, header, command).ConfigureAwait(false);
                await SpreadAsync(produced, atTransport, c.ProducerId, c.Kind).ConfigureAwait(false);
                return produced;
            case SetProducerPaused c:
                var paused = await AtAsync(atProducer ?? home, header, command).ConfigureAwait(false);
                await AtCopiesAsync(where, (part, now) => part.PauseCopy(c.ProducerId, c.Paused, now)).ConfigureAwait(false);
                return paused;
            case CloseProducer c:
                var ended = await AtAsync(atProducer ?? home, header, command).ConfigureAwait(false);
                await AtCopiesAsync(where, (part, now) => part.CloseCopy(c.ProducerId, now)).ConfigureAwait(false);
                return ended;
            case CreateConsumer or CreateSlotConsumers or CreateMixConsumer when atConsumer is not null && atConsumer != atTransport:
                return new Fault(FaultCode.Conflict, "The consumer belongs to another transport.");
            case CreateConsumer c:
                return await ConsumeAsync(header, c, where, atTransport, atProducer).ConfigureAwait(false);
            case CreateSlotConsumers or CreateMixConsumer:
                var heard = await AtAsync(atTransport, header, command).ConfigureAwait(false);
                await PipeAllAsync(atTransport).ConfigureAwait(false);
                return heard;
            case SetConsumerPaused or SetPreferredLayers or SetConsumerPriority or CloseConsumer:
                return await AtAsync(atConsumer ?? home, header, command).ConfigureAwait(false);
            case StartRecording:
                var recorded = await AtAsync(home, header, command).ConfigureAwait(false);
                await PipeAllAsync(home).ConfigureAwait(false);
                return recorded;
            case CreatePipeConsumer c:
                if (atProducer is not null && atProducer != home)
                {
                    await PipeAsync(atProducer, home, c.ProducerId, withVideo: true).ConfigureAwait(false);
                }

                return await AtAsync(home, header, command).ConfigureAwait(false);
            case CreatePipeProducer c:
                return await ProduceFromNodeAsync(header, c, where).ConfigureAwait(false);
            case ReportAudio:
                var audio = await EachBranchAsync((room, _, _) => room.MeasureAudio()).ConfigureAwait(false);
                var own = await home.Thread.InvokeAsync((_, _) => home.MeasureAudio()).ConfigureAwait(false);
                return ControlledRoom.Report(RouterAudio.Sum([own, .. audio]));
            default:
                // Relay clients, recordings and pipes to other nodes are at home.
                return await AtAsync(home, header, command).ConfigureAwait(false);
        }
    }

    // What a participant has is at one part, unless the worker there has no room for another transport.
    private async Task<Outcome<MediaReply>?> OpenTransportAsync(RoomCommandHeader header, MediaCommand command, Whereabouts where)
    {
        if (where.With(Holds.Transport) is { } known)
        {
            return await AtAsync(known, header, command).ConfigureAwait(false);
        }

        var at = where.With(Holds.Participant) is { Thread.Worker.IsFull: false } own ? own : Choose();
        var reply = await AtAsync(at, header, command).ConfigureAwait(false);
        for (var further = 0; further < MaxFurther && reply is { Fault.Code: FaultCode.Full } && Choose() is { Thread.Worker.IsFull: false } next; further++)
        {
            // Another room took the last place meanwhile.
            reply = await AtAsync(next, header, command).ConfigureAwait(false);
        }

        if (reply is { Fault: not null })
        {
            // A part that was made for it has nobody.
            TidySoon();
        }

        return reply;
    }

    private async Task<Outcome<MediaReply>?> ConsumeAsync(
        RoomCommandHeader header, CreateConsumer command, Whereabouts where, ControlledRoom at, ControlledRoom? source)
    {
        if (source is not null && source != at && !where.Has(at, Holds.Copy))
        {
            await PipeAsync(source, at, command.ProducerId, withVideo: true).ConfigureAwait(false);
        }

        var reply = await AtAsync(at, header, command).ConfigureAwait(false);
        if (reply is { Fault: not null })
        {
            TidySoon();
        }

        return reply;
    }

    private async Task<Outcome<MediaReply>?> ProduceFromNodeAsync(RoomCommandHeader header, CreatePipeProducer command, Whereabouts where)
    {
        var reply = await AtAsync(home, header, command).ConfigureAwait(false);
        if (reply is { Fault: null })
        {
            // The other node may have begun anew, with other streams.
            foreach (var branch in _branches.Where(b => where.Has(b, Holds.Copy)))
            {
                await PipeAsync(home, branch, command.ProducerId, withVideo: true).ConfigureAwait(false);
            }
        }

        await SpreadAsync(reply, home, command.ProducerId, command.Kind).ConfigureAwait(false);
        return reply;
    }

    // A producer that has come goes to where somebody receives whatever there is.
    private async Task SpreadAsync(Outcome<MediaReply>? produced, ControlledRoom source, string producerId, Abstractions.Rooms.MediaKind kind)
    {
        foreach (var part in produced is { Fault: null } ? Parts : [])
        {
            if (part != source && (part.IsRecorded || (part.HearsEverybody && kind == Abstractions.Rooms.MediaKind.Audio)))
            {
                await PipeAsync(source, part, producerId, withVideo: true).ConfigureAwait(false);
            }
        }
    }

    private async Task PipeAllAsync(ControlledRoom to)
    {
        if (to.HearsEverybody || to.IsRecorded)
        {
            foreach (var from in Parts.Where(p => p != to))
            {
                if (!await TryAsync(from, (_, _) => from.HasOwn(to.IsRecorded)).ConfigureAwait(false))
                {
                    continue;
                }

                await PipeAsync(from, to, producerId: null, withVideo: to.IsRecorded).ConfigureAwait(false);
            }
        }
    }

    private async Task<Outcome<MediaReply>?> AtAsync(ControlledRoom part, RoomCommandHeader header, MediaCommand command)
    {
        try
        {
            return await part.Thread.InvokeAsync((worker, now) => part.ExecuteAdmitted(command, header.TopSpeakers, worker, now)).ConfigureAwait(false);
        }
        catch (TaskCanceledException) when (part != home)
        {
            TidySoon();
            return new Fault(FaultCode.Unavailable, "The media worker has ended. Make new transports.");
        }
    }

    private Task AtCopiesAsync(Whereabouts where, Func<ControlledRoom, long, bool> action) =>
        Task.WhenAll(Parts.Where(p => where.Has(p, Holds.Copy)).Select(p => TryAsync(p, (_, now) => action(p, now))));

    private async Task<Whereabouts> LookAsync(Holds atHome, CommandIds ids)
    {
        var branches = _branches;
        var held = await Task.WhenAll(branches.Select(b => TryAsync(b, (_, _) => b.Look(ids)))).ConfigureAwait(false);
        return new Whereabouts([(home, atHome), .. branches.Zip(held)]);
    }

    private async Task LimitSpeakersAsync(int topSpeakers)
    {
        if (topSpeakers != _toldLimit)
        {
            _toldLimit = topSpeakers;
            await EachBranchAsync((room, _, now) => room.LimitSpeakers(topSpeakers, now)).ConfigureAwait(false);
        }
    }

    private async Task<T[]> EachBranchAsync<T>(Func<ControlledRoom, MediaWorker, long, T> action) =>
        [.. (await Task.WhenAll(_branches.Select(b => TryAsync(b, (worker, now) => new Answer<T>(action(b, worker, now))))).ConfigureAwait(false))
            .Where(a => a is not null).Select(a => a!.Value)];

    // The default when the part's worker has ended. That the home's has is for the caller.
    private async Task<T?> TryAsync<T>(ControlledRoom part, Func<MediaWorker, long, T> action)
    {
        try
        {
            return await part.Thread.InvokeAsync(action).ConfigureAwait(false);
        }
        catch (TaskCanceledException) when (part != home)
        {
            TidySoon();
            return default;
        }
    }

    private async Task<T> WithGateAsync<T>(Func<Task<T>> action)
    {
        _isUsed = true;
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            // Somebody who was here before may have found the room on one worker.
            _isUsed = true;
            return await action().ConfigureAwait(false);
        }
        finally
        {
            _isUsed = IsSplit;
            _gate.Release();
        }
    }

    [LoggerMessage(2085, LogLevel.Information, "Room {Room} goes on at worker {Worker} too: {Consumers} consumers at worker {Home}")]
    private static partial void LogBranch(ILogger logger, string room, int worker, int consumers, int home);

    [LoggerMessage(2086, LogLevel.Debug, "Room {Room} has left worker {Worker}")]
    private static partial void LogLeft(ILogger logger, string room, int worker);

    [LoggerMessage(2087, LogLevel.Warning, "Room {Room} has lost its part at worker {Worker}, which has ended")]
    private static partial void LogLost(ILogger logger, string room, int worker);

    [LoggerMessage(2088, LogLevel.Debug, "Room {Room}: its parts could not be tidied, because the worker of its home has ended")]
    private static partial void LogNotTidied(ILogger logger, string room);

    private sealed record Answer<T>(T Value);

    /// <summary>Which part has which of a command's objects.</summary>
    private readonly struct Whereabouts((ControlledRoom Part, Holds Held)[] found)
    {
        public ControlledRoom? With(Holds what) => Array.Find(found, f => f.Held.HasFlag(what)).Part;

        public bool Has(ControlledRoom part, Holds what) => Array.Exists(found, f => f.Part == part && f.Held.HasFlag(what));
    }
}

/// <summary>What the node gives a room that is on several workers.</summary>
internal interface IRoomParts
{
    /// <summary>Admits a command at the room's home and runs something there; null when the room has closed.</summary>
    Task<Outcome<T>?> RunAtHomeAsync<T>(ControlledRoom room, RoomCommandHeader header, Func<ControlledRoom, MediaWorker, long, Outcome<T>> run);

    /// <summary>The worker without a part of the room that would take one best; null when there is none alive that has room for a transport.</summary>
    WorkerThread? Another(IEnumerable<WorkerThread> taken);

    /// <summary>A part of a room at a worker.</summary>
    ControlledRoom MakeBranch(ControlledRoom home, WorkerThread thread);

    /// <summary>The connection of two workers, each one's end.</summary>
    (WorkerLink One, WorkerLink Other) LinkOf(WorkerThread one, WorkerThread other);
}
