using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using VoiceCluster.Hosting.Health;

namespace VoiceCluster.Standalone;

/// <summary>Prints the one line on stdout once every part says that it is ready and the ports are open.</summary>
internal sealed partial class ReadyAnnouncement(
    IEnumerable<IReadiness> parts,
    IServer server,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<ReadyAnnouncement> logger) : BackgroundService
{
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ComplainAfter = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        using var onStarted = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);

        using var timer = new PeriodicTimer(PollPeriod, time);
        var since = time.GetTimestamp();
        var complained = false;
        while (parts.Select(p => (p.Name, State: p.Check())).FirstOrDefault(p => !p.State.IsReady) is { Name: not null } waiting)
        {
            if (!complained && time.GetElapsedTime(since) > ComplainAfter)
            {
                complained = true;
                LogWaiting(logger, waiting.Name, waiting.State.Reason);
            }

            await timer.WaitForNextTickAsync(stoppingToken);
        }

        var address = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault();
        await Console.Out.WriteLineAsync($"VoiceCluster ready: {address}");
        await Console.Out.FlushAsync(stoppingToken);
    }

    [LoggerMessage(5000, LogLevel.Warning, "Not ready yet: {Part}: {Reason}")]
    private static partial void LogWaiting(ILogger logger, string part, string? reason);
}
