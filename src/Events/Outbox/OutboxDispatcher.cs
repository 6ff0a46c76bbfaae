using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events.Nats;

namespace VoiceCluster.Events.Outbox;

/// <summary>
/// Publishes the outbox: at least once, and in order within each key. One dispatcher of the cluster works at a time.
/// <code>
/// Step 1  take or keep the lease; without it, wait
/// Step 2  wait for a connection
/// Step 3  read a batch behind the cursor, publish it, remove what was acknowledged
/// Step 4  when nothing is left, sleep until a commit or the poll period
/// </code>
/// Order does not rest on the lease: a dispatcher publishes from the oldest event that is not acknowledged, without a
/// gap, so that even two of them at once only repeat events, and a consumer that drops repetitions sees them in order.
/// </summary>
internal sealed partial class OutboxDispatcher(
    IOutboxStore store,
    OutboxSignal signal,
    NatsBus bus,
    IOptions<EventsOptions> options,
    EventMetrics metrics,
    TimeProvider time,
    ILogger<OutboxDispatcher> logger) : BackgroundService
{
    /// <summary>While a key is blocked the others go on; past so many blocked keys the whole outbox waits.</summary>
    private const int MaxBlockedKeys = 10_000;

    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BacklogPeriod = TimeSpan.FromSeconds(5);

    private readonly Guid _owner = Guid.NewGuid();
    private readonly HashSet<string> _blocked = new(StringComparer.Ordinal);
    private long _cursor;
    private bool _isLeader;
    private long _leasedAt;
    private long _countedAt;
    private TimeSpan _delay = FirstRetryDelay;

    /// <summary>What one look at the outbox came to.</summary>
    private enum Pass
    {
        /// <summary>There may be more.</summary>
        More,

        /// <summary>Everything is published.</summary>
        Idle,

        /// <summary>All that is left waits for a stream that does not take it.</summary>
        Blocked,
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // What the process did while it stopped is news too; what does not go out now is published by the next one.
            using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            late.CancelAfter(LastWords);
            while (_isLeader && bus.Session is { } session
                && await PublishOnceAsync(session, late.Token).ConfigureAwait(false) == Pass.More)
            {
                late.Token.ThrowIfCancellationRequested();
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogStopped(logger, e.Message);
        }

        try
        {
            if (_isLeader)
            {
                await store.ReleaseLeaseAsync(_owner, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogStopped(logger, e.Message);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await StepAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (NatsLinkException e)
            {
                // The bus says that NATS is away; here the batch begins anew.
                LogInterrupted(logger, e.Message);
                metrics.PublishFailed("connection");
                await RetryLaterAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                LogStoreAway(logger, e, _delay);
                metrics.PublishFailed("store");
                await RetryLaterAsync(stoppingToken).ConfigureAwait(false);
            }
        }
    }

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        // :: Step 1
        if (!await KeepLeaseAsync(cancellationToken).ConfigureAwait(false))
        {
            await Task.Delay(options.Value.LeaseDuration / 5, time, cancellationToken).ConfigureAwait(false);
            return;
        }

        await CountAsync(cancellationToken).ConfigureAwait(false);

        // :: Step 2
        if (await bus.WaitForSessionAsync(options.Value.LeaseDuration / 5, cancellationToken).ConfigureAwait(false) is not { } session)
        {
            return;
        }

        // :: Step 3
        switch (await PublishOnceAsync(session, cancellationToken).ConfigureAwait(false))
        {
            case Pass.More:
                break;
            case Pass.Blocked:
                await RetryLaterAsync(cancellationToken).ConfigureAwait(false);
                break;
            default:
                // :: Step 4
                _delay = FirstRetryDelay;
                await signal.WaitAsync(options.Value.PollPeriod, cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    private async Task<Pass> PublishOnceAsync(NatsSession session, CancellationToken cancellationToken)
    {
        var batch = await store.ReadPendingAsync(_cursor, options.Value.BatchSize, cancellationToken).ConfigureAwait(false);
        if (batch.Count == 0)
        {
            return _blocked.Count > 0 ? Pass.Blocked : Pass.Idle;
        }

        var publication = new BatchPublication(session, options.Value.AckTimeout, _blocked, metrics, logger);
        try
        {
            await publication.RunAsync(batch, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (publication.Done.Count > 0)
            {
                await store.MarkPublishedAsync(publication.Done, CancellationToken.None).ConfigureAwait(false);
            }
        }

        _cursor = batch[^1].Position;
        return _blocked.Count > MaxBlockedKeys ? Pass.Blocked : Pass.More;
    }

    /// <summary>Begins again at the oldest event, after a pause that grows.</summary>
    private async Task RetryLaterAsync(CancellationToken cancellationToken)
    {
        _cursor = 0;
        _blocked.Clear();
        await Task.Delay(_delay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _delay = _delay * 2 < options.Value.MaxRetryDelay ? _delay * 2 : options.Value.MaxRetryDelay;
    }

    private async Task<bool> KeepLeaseAsync(CancellationToken cancellationToken)
    {
        if (_isLeader && time.GetElapsedTime(_leasedAt) < options.Value.LeaseDuration / 3)
        {
            return true;
        }

        var asked = time.GetTimestamp();
        var isLeader = await store.TryLeaseAsync(_owner, options.Value.LeaseDuration, cancellationToken).ConfigureAwait(false);
        if (isLeader != _isLeader)
        {
            LogLease(logger, isLeader ? "publishes the outbox" : "leaves the outbox to another process");
            _cursor = 0;
            _blocked.Clear();
        }

        _isLeader = isLeader;
        _leasedAt = asked;
        return isLeader;
    }

    /// <summary>Measures what waits, now and then: counting rows is not free.</summary>
    private async Task CountAsync(CancellationToken cancellationToken)
    {
        if (_countedAt == 0 || time.GetElapsedTime(_countedAt) >= BacklogPeriod)
        {
            metrics.Backlog = await store.ReadBacklogAsync(cancellationToken).ConfigureAwait(false);
            _countedAt = time.GetTimestamp();
        }
    }

    [LoggerMessage(6010, LogLevel.Information, "This process {Action}")]
    private static partial void LogLease(ILogger logger, string action);

    [LoggerMessage(6011, LogLevel.Debug, "Publishing was interrupted and begins anew: {Error}")]
    private static partial void LogInterrupted(ILogger logger, string error);

    [LoggerMessage(6012, LogLevel.Warning, "The outbox cannot be read or written; the next attempt is in {Delay}")]
    private static partial void LogStoreAway(ILogger logger, Exception exception, TimeSpan delay);

    [LoggerMessage(6013, LogLevel.Information, "Stopped before the outbox was empty: {Error}")]
    private static partial void LogStopped(ILogger logger, string error);
}
