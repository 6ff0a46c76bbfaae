using System.Threading.Channels;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.MediaNode.Io;
using VoiceCluster.MediaNode.Metrics;

namespace VoiceCluster.MediaNode.Control;

/// <summary>Carries the rooms' reports from the workers' threads to the grains, at most ten a second a room.</summary>
public sealed partial class RoomReports(
    IRoomReportSink sink,
    MonotonicClock clock,
    TimeProvider time,
    MediaMetrics metrics,
    MediaNodeIdentity identity,
    ILogger<RoomReports> logger) : BackgroundService
{
    /// <summary>Microseconds between two reports of one room.</summary>
    internal const long Spacing = 100_000;

    /// <summary>Reports of one room in any second.</summary>
    internal const int MaxPerSecond = 10;

    /// <summary>Microseconds of a second.</summary>
    internal const long Second = 1_000_000;

    /// <summary>Reports under way at most; more than that means that the cluster is away, and the oldest are of no use.</summary>
    private const int MaxUnderWay = 10_000;

    private readonly Channel<Report> _reports = Channel.CreateBounded<Report>(
        new BoundedChannelOptions(MaxUnderWay) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private readonly Channel<RoomWatch> _later = Channel.CreateUnbounded<RoomWatch>();
    private bool _failing;

    internal MonotonicClock Clock => clock;

    internal MediaMetrics Metrics => metrics;

    internal void Send(RoomWatch watch, string room, long epoch, Speaker[]? speakers, TransportStateChange[] transports) =>
        _reports.Writer.TryWrite(new Report(watch, room, new MediaReport(identity.Id, epoch, speakers, transports)));

    internal void FlushLater(RoomWatch watch) => _later.Writer.TryWrite(watch);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(SendAllAsync(stoppingToken), FlushAsync(stoppingToken));

    private async Task SendAllAsync(CancellationToken stoppingToken)
    {
        await foreach (var report in _reports.Reader.ReadAllAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await sink.ReportAsync(report.Room, report.Body).ConfigureAwait(false);
                if (_failing)
                {
                    _failing = false;
                    LogBack(logger);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                if (!_failing)
                {
                    _failing = true;
                    LogFailing(logger, e, report.Room);
                }

                _ = report.Watch.Thread.InvokeAsync((_, _) =>
                {
                    report.Watch.TakeBack(report.Body);
                    return true;
                });
            }
        }
    }

    private async Task FlushAsync(CancellationToken stoppingToken)
    {
        // Sleeps while no room has anything to say; then one round a spacing, for all rooms that wait.
        while (await _later.Reader.WaitToReadAsync(stoppingToken).ConfigureAwait(false))
        {
            await Task.Delay(TimeSpan.FromMicroseconds(Spacing), time, stoppingToken).ConfigureAwait(false);
            for (var waiting = _later.Reader.Count; waiting > 0 && _later.Reader.TryRead(out var watch); waiting--)
            {
                var due = watch;
                _ = due.Thread.InvokeAsync((_, _) =>
                {
                    due.FlushNow();
                    return true;
                });
            }
        }
    }

    [LoggerMessage(2010, LogLevel.Warning, "Reports to rooms fail, first that of {Room}; media goes on, states are sent again")]
    private static partial void LogFailing(ILogger logger, Exception exception, string room);

    [LoggerMessage(2011, LogLevel.Information, "Reports to rooms arrive again")]
    private static partial void LogBack(ILogger logger);

    private sealed record Report(RoomWatch Watch, string Room, MediaReport Body);
}

/// <summary>Where reports go: the room's grain, or a test.</summary>
public interface IRoomReportSink
{
    /// <summary>Hands a report to the room.</summary>
    Task ReportAsync(string room, MediaReport report);
}

/// <summary>The grains as the sink of reports.</summary>
internal sealed class GrainReportSink(IClusterClient cluster) : IRoomReportSink
{
    /// <inheritdoc/>
    public Task ReportAsync(string room, MediaReport report) => cluster.GetGrain<IRoomGrain>(room).ReportAsync(report);
}
