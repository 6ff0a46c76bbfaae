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
    private IRoomGrain Room(RecordingInfo recording) => GrainFactory.GetGrain<IRoomGrain>(recording.Room);

    /// <inheritdoc/>
    public async Task<Outcome<RecordingInfo>> StartAsync(RecordingRequest request)
    {
        if (store.State.IsDeleted)
        {
            return Missing();
        }

        if (store.State.Recording is { } present && present.Status != RecordingStatus.Starting)
        {
            return present;
        }

        // Stored first: a node may report, and must be known, before the room answers.
        await SaveAsync(store.State.Recording ?? Recording.Create(this.GetPrimaryKey(), request, time.GetUtcNow()));
        var started = await Room(store.State.Recording!).StartRecordingAsync(this.GetPrimaryKey(), request.Plan);
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
            return Missing();
        }

        if (recording.IsOver)
        {
            return recording;
        }

        var stopped = await Room(recording).StopRecordingAsync(recording.Id);
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
        Task.FromResult<Outcome<RecordingInfo>>(store.State.Recording is { } recording ? recording : Missing());

    /// <inheritdoc/>
    public async Task<Outcome<Done>> ReportAsync(RecordingReport report)
    {
        if (store.State.Recording is not { } recording)
        {
            return Missing();
        }

        var after = Recording.Report(recording, report, time.GetUtcNow());
        if (after.Fault is { } fault)
        {
            LogBadReport(logger, this.GetPrimaryKey(), report.Node.Name, fault.Message);
            return fault;
        }

        var named = await NameUsersAsync(recording, after.Value!);
        await SaveAsync(named);

        if (named.IsOver && (!recording.IsOver || report.Files.Any(f => !f.IsComplete)))
        {
            // The node ended it, or writes what is over: the room shall not take it along to another node.
            await ForgetAtRoomAsync(named);
        }

        // Each node holds what it writes to the plan's limits; a recording that has moved between nodes is held to them here.
        if (Recording.IsBeyondPlan(named, time.GetUtcNow()))
        {
            LogBeyondPlan(logger, this.GetPrimaryKey());
            await StopAsync();
        }

        return Done.Instance;
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> DeleteAsync()
    {
        if (store.State.Recording is not { } recording)
        {
            return store.State.IsDeleted ? Done.Instance : Missing();
        }

        if (!recording.IsOver)
        {
            return new Fault(FaultCode.Conflict, "The recording runs. Stop it first.");
        }

        await SaveAsync(null);
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

    private Fault Missing() => store.State.IsDeleted
        ? new Fault(FaultCode.Gone, "The recording was deleted.")
        : new Fault(FaultCode.NotFound, "There is no such recording.");

    private async Task ForgetAtRoomAsync(RecordingInfo recording)
    {
        try
        {
            await Room(recording).StopRecordingAsync(recording.Id);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // The next report of a node that writes all the same tries again.
            LogRoomAway(logger, e, recording.Id);
        }
    }

    /// <summary>A node knows participants alone; the room knows whose they are, while they are there.</summary>
    private async Task<RecordingInfo> NameUsersAsync(RecordingInfo before, RecordingInfo after)
    {
        var known = before.Files.Where(f => f.UserId is not null).DistinctBy(f => f.ParticipantId).ToDictionary(f => f.ParticipantId!);
        if (after.Files.Any(f => f is { ParticipantId: { } id, UserId: null } && !known.ContainsKey(id)))
        {
            foreach (var participant in (await Room(after).GetSnapshotAsync()).Participants)
            {
                known.TryAdd(participant.ParticipantId, new RecordingFile(
                    "", default, participant.ParticipantId, participant.UserId, participant.UserText, "", 0, default, default, false, "", ""));
            }
        }

        return after with
        {
            Files = [.. after.Files.Select(f => f.ParticipantId is { } id && f.UserId is null && known.TryGetValue(id, out var whose)
                ? f with { UserId = whose.UserId, UserText = whose.UserText } : f)],
        };
    }

    /// <summary>Writes a change with its event; a store that refuses leaves it as it was.</summary>
    private async Task SaveAsync(RecordingInfo? after)
    {
        var before = store.State;
        if (ReferenceEquals(before.Recording, after))
        {
            return;
        }

        store.State = new RecordingState { Recording = after, PendingEvents = [.. before.PendingEvents], IsDeleted = after is null };
        if (after is not null && Recording.EventOf(before.Recording, after, time.GetUtcNow()) is { } news)
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

    [LoggerMessage(4333, LogLevel.Warning, "Recording {Recording} is over, but its room could not be told")]
    private static partial void LogRoomAway(ILogger logger, Exception exception, Guid recording);

    [LoggerMessage(4332, LogLevel.Information, "Recording {Recording} has reached its plan's limit on all nodes together")]
    private static partial void LogBeyondPlan(ILogger logger, Guid recording);

    [LoggerMessage(4331, LogLevel.Error, "Recording {Recording}: the report of node {Node} is refused: {Reason}")]
    private static partial void LogBadReport(ILogger logger, Guid recording, string node, string reason);
}
