using Microsoft.Extensions.Logging;
using Orleans.Storage;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Recordings;

/// <summary>The shell of <see cref="Recording"/>: it asks the room, and stores each change with its event.</summary>
public sealed partial class RecordingGrain(
    [PersistentState("recording", GrainStores.Recordings)] IPersistentState<RecordingState> store,
    TimeProvider time,
    ILogger<RecordingGrain> logger) : Grain, IRecordingGrain
{
    private IRoomGrain Room => GrainFactory.GetGrain<IRoomGrain>(store.State.Recording!.Room);

    /// <inheritdoc/>
    public async Task<Outcome<RecordingInfo>> StartAsync(RecordingRequest request)
    {
        if (store.State.Recording is { } present && present.Status != RecordingStatus.Starting)
        {
            return present;
        }

        // Stored first: a node may report, and must be known, before the room answers.
        await SaveAsync(store.State.Recording ?? Recording.Create(this.GetPrimaryKey(), request, time.GetUtcNow()));
        var started = await Room.StartRecordingAsync(this.GetPrimaryKey(), request.Plan);
        if (started.Fault is not { } refused)
        {
            return store.State.Recording!;
        }

        LogRefused(logger, this.GetPrimaryKey(), refused.Message);
        await SaveAsync(Recording.Fail(store.State.Recording!, refused.Message, time.GetUtcNow()));
        return refused;
    }

    /// <inheritdoc/>
    public async Task<Outcome<RecordingInfo>> StopAsync()
    {
        if (store.State.Recording is not { } recording)
        {
            return NotFound();
        }

        if (recording.IsOver)
        {
            return recording;
        }

        var stopped = await Room.StopRecordingAsync(recording.Id);
        if (stopped.Fault is { } fault)
        {
            return fault;
        }

        // The node's own report comes meanwhile or later, with the closed files.
        await SaveAsync(Recording.Stop(store.State.Recording, time.GetUtcNow()));
        return store.State.Recording;
    }

    /// <inheritdoc/>
    public Task<Outcome<RecordingInfo>> GetAsync() =>
        Task.FromResult<Outcome<RecordingInfo>>(store.State.Recording is { } recording ? recording : NotFound());

    /// <inheritdoc/>
    public async Task<Outcome<Done>> ReportAsync(RecordingReport report)
    {
        if (store.State.Recording is not { } recording)
        {
            return NotFound();
        }

        var after = Recording.Report(recording, report, time.GetUtcNow());
        if (after.Fault is { } fault)
        {
            LogBadReport(logger, this.GetPrimaryKey(), report.Node.Name, fault.Message);
            return fault;
        }

        await SaveAsync(after.Value!);
        return Done.Instance;
    }

    /// <inheritdoc/>
    public async Task RoomEndedAsync()
    {
        if (store.State.Recording is { IsOver: false } recording)
        {
            await SaveAsync(Recording.Stop(recording, time.GetUtcNow()));
        }
    }

    private static Fault NotFound() => new(FaultCode.NotFound, "There is no such recording.");

    /// <summary>Writes a change with its event; a store that refuses leaves it as it was.</summary>
    private async Task SaveAsync(RecordingInfo after)
    {
        var before = store.State;
        if (ReferenceEquals(before.Recording, after))
        {
            return;
        }

        store.State = new RecordingState { Recording = after, PendingEvents = [.. before.PendingEvents] };
        if (Recording.EventOf(before.Recording, after, time.GetUtcNow()) is { } news)
        {
            store.State.PendingEvents.Add(news);
        }

        try
        {
            await store.WriteStateAsync();
        }
        catch (Exception e)
        {
            // Whether it was written is unknown: the next request reads it anew.
            store.State = before;
            DeactivateOnIdle();
            if (e is InconsistentStateException)
            {
                throw;
            }

            throw new OrleansException("The recording's state cannot be stored now. Try again.", e);
        }
    }

    [LoggerMessage(4330, LogLevel.Warning, "Recording {Recording} did not begin: {Reason}")]
    private static partial void LogRefused(ILogger logger, Guid recording, string reason);

    [LoggerMessage(4331, LogLevel.Error, "Recording {Recording}: the report of node {Node} is refused: {Reason}")]
    private static partial void LogBadReport(ILogger logger, Guid recording, string node, string reason);
}
