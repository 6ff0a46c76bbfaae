using System.Collections.Concurrent;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.MediaNode.Control;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>Tells the recordings' grains what this node has of them, again and again until they take it.</summary>
public sealed partial class RecordingReports(
    IRecordingReportSink sink,
    RecordingShelf shelf,
    MediaNodeIdentity identity,
    TimeProvider time,
    ILogger<RecordingReports> logger) : BackgroundService
{
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(2);

    /// <summary>How often all is reported, so that what was deleted is deleted here too.</summary>
    private static readonly TimeSpan ReviewEvery = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<Guid, (RecordingStatus Status, string? Error, long Number)> _due = [];
    private readonly SemaphoreSlim _wake = new(0, 1);
    private long _number;
    private bool _failing;

    /// <summary>Something has changed. The files are described when the report goes, so the newest state counts; an end is not overtaken.</summary>
    public void Send(Guid recording, RecordingStatus status, string? error)
    {
        var number = Interlocked.Increment(ref _number);
        _due.AddOrUpdate(recording, (status, error, number), (_, before) => before.Status > status ? before with { Number = number } : (status, error, number));
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake already.
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            if (!await _wake.WaitAsync(_due.IsEmpty ? ReviewEvery : RetryEvery, stoppingToken).ConfigureAwait(false) && _due.IsEmpty)
            {
                ReportAll();
            }

            foreach (var (recording, due) in _due.ToArray())
            {
                if (await TrySendAsync(recording, due.Status, due.Error, stoppingToken).ConfigureAwait(false))
                {
                    // What has changed meanwhile is another entry, and stays.
                    _due.TryRemove(new KeyValuePair<Guid, (RecordingStatus, string?, long)>(recording, due));
                }
            }
        }
    }

    /// <summary>Reports all that is on the shelf: the grain may not know yet, or has deleted it while this node was away.</summary>
    public void ReportAll()
    {
        foreach (var recording in shelf.List())
        {
            Send(recording, RecordingStatus.Recording, null);
        }
    }

    private async Task<bool> TrySendAsync(Guid recording, RecordingStatus status, string? error, CancellationToken stoppingToken)
    {
        try
        {
            var answer = await sink.ReportAsync(recording, new RecordingReport(identity.Id, status, error, shelf.Describe(recording)))
                .WaitAsync(TimeSpan.FromSeconds(10), time, stoppingToken).ConfigureAwait(false);
            if (answer.Fault?.Code == FaultCode.Gone)
            {
                LogDeleted(logger, recording);
                shelf.Delete(recording);
                return true;
            }

            if (answer.Fault is { } fault)
            {
                LogRefused(logger, recording, fault.Message);
                return fault.Code is FaultCode.Invalid or FaultCode.Conflict or FaultCode.NotFound;
            }

            _failing = false;
            return true;
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            if (!_failing)
            {
                _failing = true;
                LogFailing(logger, recording, e.GetType().Name, e.Message);
            }

            return false;
        }
    }

    [LoggerMessage(2060, LogLevel.Information, "Recording {Recording} was deleted, and so are its files here")]
    private static partial void LogDeleted(ILogger logger, Guid recording);

    [LoggerMessage(2061, LogLevel.Error, "Recording {Recording}: the report of its files is refused: {Reason}")]
    private static partial void LogRefused(ILogger logger, Guid recording, string reason);

    [LoggerMessage(2062, LogLevel.Warning, "Recording {Recording}: its files cannot be reported now ({Error}: {Message}); it is tried again")]
    private static partial void LogFailing(ILogger logger, Guid recording, string error, string message);
}

/// <summary>Where reports of recordings go: the grain, or a test.</summary>
public interface IRecordingReportSink
{
    /// <summary>Hands a report to the recording.</summary>
    Task<Outcome<Done>> ReportAsync(Guid recording, RecordingReport report);
}

/// <summary>The grains as the sink.</summary>
internal sealed class GrainRecordingReportSink(IClusterClient cluster) : IRecordingReportSink
{
    /// <inheritdoc/>
    public Task<Outcome<Done>> ReportAsync(Guid recording, RecordingReport report) => cluster.GetGrain<IRecordingGrain>(recording).ReportAsync(report);
}
