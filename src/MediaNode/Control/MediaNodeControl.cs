using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Io;
using VoiceCluster.MediaNode.Recording;

namespace VoiceCluster.MediaNode.Control;

/// <summary>
/// The node as grains command it. It only finds the room's worker and posts the command to its thread;
/// <see cref="ControlledRoom"/> executes it there.
/// </summary>
public sealed partial class MediaNodeControl(
    MediaNodeRuntime runtime,
    RoomReports reports,
    IOptions<MediaNodeOptions> options,
    ILogger<MediaNodeControl> logger,
    RecordingWriter? recordings = null) : IMediaNode, IRoomParts
{
    /// <summary>Epochs of closed rooms that are remembered, so that a stale activation does not open its room again.</summary>
    private const int RememberedEpochs = 4_096;

    /// <summary>
    /// Times of the limit that participants who are on the node may have: the limit is where others go elsewhere, and somebody who is
    /// here must hear who comes.
    /// </summary>
    private const int Overload = 2;

    private readonly ConcurrentDictionary<string, ControlledRoom> _rooms = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _closedEpochs = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _closedOrder = new();

    // Connections between workers are made with the first room that is on both, and stay.
    private readonly ConcurrentDictionary<(WorkerThread One, WorkerThread Other), (WorkerLink One, WorkerLink Other)> _links = [];
    private readonly ConcurrentDictionary<WorkerThread, bool> _watched = [];

    /// <summary>The rooms now.</summary>
    public string[] RoomNames => [.. _rooms.Keys];

    /// <summary>A room of this node; null when there is none.</summary>
    internal ControlledRoom? FindRoom(string name) => _rooms.GetValueOrDefault(name);

    /// <summary>Rooms now.</summary>
    public int RoomCount => _rooms.Count;

    /// <summary>Called when the fleet wants to hear of this node now.</summary>
    internal event Action? FleetMoves;

    /// <inheritdoc/>
    public Task FleetMovesAsync()
    {
        FleetMoves?.Invoke();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<Outcome<MediaReply>> ExecuteAsync(RoomCommandHeader header, MediaCommand command)
    {
        if (command is CreateConsumer or CreateSlotConsumers or CreateMixConsumer
            && runtime.Workers.Sum(w => w.Worker.Stats.Consumers) >= Overload * (long)options.Value.MaxConsumersPerNode)
        {
            return Task.FromResult<Outcome<MediaReply>>(new Fault(FaultCode.Unavailable, "The media node has reached twice its Media:MaxConsumersPerNode."));
        }

        return RunAsync(header, room => ExecuteAsync(room, header, command));
    }

    /// <inheritdoc/>
    public Task<Outcome<RoomAdopted>> AdoptAsync(RoomCommandHeader header, string[] participantIds) =>
        RunAsync(header, room => room.Spread is { IsNeeded: true } spread
            ? spread.AdoptAsync(header, participantIds)
            : RunAtHomeAsync(room, header, (r, worker, now) => r.Adopt(participantIds, worker, now)));

    /// <inheritdoc/>
    public Task<Outcome<RoomReconciled>> ReconcileAsync(RoomCommandHeader header, DesiredRoom desired) =>
        RunAsync(header, room => room.Spread is { IsNeeded: true } spread
            ? spread.ReconcileAsync(header, desired)
            : RunAtHomeAsync(room, header, (r, worker, now) => r.Reconcile(desired, worker, now)));

    /// <summary>
    /// Closes rooms without transports that nobody has commanded for a while: their grain moved them elsewhere while this node
    /// could not be told, or is lost. One that is wanted all the same is opened again by its next command.
    /// </summary>
    public async Task CloseIdleAsync(TimeSpan idle)
    {
        foreach (var room in _rooms.Values)
        {
            try
            {
                var closed = await room.Thread.InvokeAsync((worker, now) =>
                {
                    if (room.IsClosed || !room.CloseIfIdle(worker, now, (long)idle.TotalMicroseconds))
                    {
                        return false;
                    }

                    Remove(room);
                    return true;
                }).ConfigureAwait(false);
                if (closed)
                {
                    LogIdle(logger, room.Name, idle);
                }
            }
            catch (TaskCanceledException)
            {
                // The node stops, or this worker has died and its rooms with it: the rooms of the others go on.
                LogUnreachable(logger, room.Name);
            }
        }
    }

    /// <inheritdoc/>
    Task<Outcome<T>?> IRoomParts.RunAtHomeAsync<T>(ControlledRoom room, RoomCommandHeader header, Func<ControlledRoom, MediaWorker, long, Outcome<T>> run) =>
        RunAtHomeAsync(room, header, run);

    /// <inheritdoc/>
    WorkerThread? IRoomParts.Another(IEnumerable<WorkerThread> taken) =>
        runtime.Workers.Except(taken).Where(w => w.IsAlive && !w.Worker.IsFull).MinBy(w => w.Worker.Stats.Consumers);

    /// <inheritdoc/>
    ControlledRoom IRoomParts.MakeBranch(ControlledRoom home, WorkerThread thread)
    {
        Watch(thread);
        return new ControlledRoom(home.Name, thread, reports, relayEndPoint: null, recordings: null, home);
    }

    /// <inheritdoc/>
    (WorkerLink One, WorkerLink Other) IRoomParts.LinkOf(WorkerThread one, WorkerThread other) =>
        _links.GetOrAdd((one, other), static pair => WorkerLink.Create(pair.One.WakeForDatagrams, pair.Other.WakeForDatagrams));

    private async Task<Outcome<MediaReply>?> ExecuteAsync(ControlledRoom room, RoomCommandHeader header, MediaCommand command)
    {
        if (room.Spread?.Takes(command) != true)
        {
            var reply = await RunAtHomeAsync(room, header, (r, worker, now) => r.Execute(command, worker, now)).ConfigureAwait(false);
            if (room.Spread is null || command is not CreateWebRtcTransport || reply is not { Fault.Code: FaultCode.Full })
            {
                return reply;
            }

            // The worker has become full meanwhile.
        }

        return await room.Spread.ExecuteAsync(header, command).ConfigureAwait(false);
    }

    private ControlledRoom Make(string name)
    {
        var room = new ControlledRoom(name, WorkerOf(name), reports, runtime.RelayEndPoint, recordings);
        if (runtime.Workers.Count > 1 && options.Value.MaxConsumersPerWorker > 0)
        {
            room.Spread = new RoomSpread(room, this, options.Value.MaxConsumersPerWorker, logger);
            Watch(room.Thread);
        }

        return room;
    }

    private void Watch(WorkerThread thread)
    {
        if (_watched.TryAdd(thread, true))
        {
            _ = TellOfEndAsync(thread);
        }
    }

    private async Task TellOfEndAsync(WorkerThread thread)
    {
        await thread.Ended.ConfigureAwait(false);
        foreach (var room in _rooms.Values)
        {
            try
            {
                await (room.Spread?.OnWorkerEndedAsync(thread) ?? Task.CompletedTask).ConfigureAwait(false);
            }
            catch (TaskCanceledException)
            {
                LogUnreachable(logger, room.Name);
            }
        }
    }

    private Task<Outcome<T>?> RunAtHomeAsync<T>(ControlledRoom room, RoomCommandHeader header, Func<ControlledRoom, MediaWorker, long, Outcome<T>> run) =>
        room.Thread.InvokeAsync((worker, now) => RunOnWorker(room, header, run, worker, now));

    private async Task<Outcome<T>> RunAsync<T>(RoomCommandHeader header, Func<ControlledRoom, Task<Outcome<T>?>> run)
    {
        while (true)
        {
            var room = _rooms.GetOrAdd(header.Room, Make);
            try
            {
                var outcome = await run(room).ConfigureAwait(false);
                if (room is { IsClosed: true, Spread: { IsNeeded: true } spread })
                {
                    await spread.EndAsync().ConfigureAwait(false);
                }

                if (outcome is not null)
                {
                    return outcome;
                }
            }
            catch (TaskCanceledException)
            {
                return new Fault(FaultCode.Unavailable, "The media node is stopping.");
            }

            // The room was closed between finding and running: the next round finds or makes another.
        }
    }

    private Outcome<T>? RunOnWorker<T>(
        ControlledRoom room,
        RoomCommandHeader header,
        Func<ControlledRoom, MediaWorker, long, Outcome<T>> run,
        MediaWorker worker,
        long now)
    {
        if (room.IsClosed)
        {
            return null;
        }

        if (room.Admit(header, _closedEpochs.GetValueOrDefault(header.Room), now) is { } refused)
        {
            LogRefused(logger, header.Room, header.Epoch, header.Sequence, refused.Message);
            if (room.IsUnopened)
            {
                Remove(room);
            }

            return refused;
        }

        var outcome = run(room, worker, now);
        if (room.IsClosed || room.IsUnopened)
        {
            Remove(room);
        }

        return outcome;
    }

    private void Remove(ControlledRoom room)
    {
        room.MarkClosed();
        _rooms.TryRemove(new KeyValuePair<string, ControlledRoom>(room.Name, room));
        if (room.Epoch == 0)
        {
            return;
        }

        if (!_closedEpochs.ContainsKey(room.Name))
        {
            _closedOrder.Enqueue(room.Name);
        }

        _closedEpochs.AddOrUpdate(room.Name, room.Epoch, (_, known) => Math.Max(known, room.Epoch));
        while (_closedOrder.Count > RememberedEpochs && _closedOrder.TryDequeue(out var oldest))
        {
            _closedEpochs.TryRemove(oldest, out _);
        }
    }

    /// <summary>A channel's room stands where the relay port's datagrams for it come in; any other where there is most room.</summary>
    private WorkerThread WorkerOf(string room) =>
        runtime.RelayWorkers is > 0 and var relays && Guid.TryParseExact(room, "D", out var channel)
            ? runtime.Workers[RelaySteering.WorkerOf(channel, relays)]
            : LeastLoaded();

    /// <summary>The living worker with the fewest rooms and consumers.</summary>
    internal WorkerThread LeastLoaded()
    {
        var rooms = _rooms.Values.CountBy(r => r.Thread.Index).ToDictionary();
        return runtime.Workers
            .OrderByDescending(w => w.IsAlive)
            .ThenBy(w => w.Worker.IsFull)
            .ThenBy(w => w.Worker.Stats.Consumers + (4 * rooms.GetValueOrDefault(w.Index)))
            .ThenBy(w => w.Index)
            .First();
    }

    [LoggerMessage(2020, LogLevel.Information, "Room {Room}: command {Epoch}.{Sequence} refused: {Reason}")]
    private static partial void LogRefused(ILogger logger, string room, long epoch, long sequence, string reason);

    [LoggerMessage(2021, LogLevel.Information, "Room {Room} is closed: it had no transport and no command for {Idle}")]
    private static partial void LogIdle(ILogger logger, string room, TimeSpan idle);

    [LoggerMessage(2022, LogLevel.Debug, "Room {Room} could not be looked at: its worker has ended")]
    private static partial void LogUnreachable(ILogger logger, string room);
}
