using System.Collections.Concurrent;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.ApiFrontend.Rooms;

/// <summary>A participant whose room must hear that its door lives.</summary>
public interface IRoomLeaseHolder
{
    /// <summary>Renews; called about every <see cref="RoomLease.RenewEvery"/>.</summary>
    Task RenewAsync();
}

/// <summary>Renews the leases of all participants of this process, each at its own time.</summary>
public sealed partial class RoomLeases(TimeProvider time, ILogger<RoomLeases> logger) : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private const int Parallelism = 32;

    private readonly ConcurrentDictionary<IRoomLeaseHolder, DateTimeOffset> _due = new();

    /// <summary>Begins to renew.</summary>
    public void Add(IRoomLeaseHolder holder) => _due[holder] = time.GetUtcNow() + RoomLease.RenewEvery;

    /// <summary>Renews no more.</summary>
    public void Remove(IRoomLeaseHolder holder) => _due.TryRemove(holder, out _);

    /// <summary>Renews what is due now.</summary>
    internal Task RenewDueAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        return Parallel.ForEachAsync(
            _due.Where(d => d.Value <= now).ToArray(),
            new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken },
            async (due, _) =>
            {
                try
                {
                    await due.Key.RenewAsync().ConfigureAwait(false);
                }
                catch (Exception e)
                {
                    // The room may be on its way to another silo; the lease outlasts several rounds.
                    LogRenewalFailed(logger, e);
                }

                _due.TryUpdate(due.Key, now + RoomLease.RenewEvery, due.Value);
            });
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                await RenewDueAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            LogStopped(logger, _due.Count);
        }
    }

    [LoggerMessage(3100, LogLevel.Warning, "A participant's lease was not renewed; the next round tries again")]
    private static partial void LogRenewalFailed(ILogger logger, Exception exception);

    [LoggerMessage(3101, LogLevel.Debug, "Renewals end with {Count} participants")]
    private static partial void LogStopped(ILogger logger, int count);
}
