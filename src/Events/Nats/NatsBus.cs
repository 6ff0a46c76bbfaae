using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace VoiceCluster.Events.Nats;

/// <summary>
/// Keeps one connection to NATS: makes it anew after each loss, for ever, with growing pauses, and renews the subscriptions.
/// </summary>
internal sealed partial class NatsBus(
    INatsConnector connector, IOptions<EventsOptions> options, EventMetrics metrics, TimeProvider time, ILogger<NatsBus> logger) : BackgroundService
{
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly List<(string Subject, string Queue, Action<NatsMessage> Handler)> _subscriptions = [];
    private readonly Lock _gate = new();
    private TaskCompletionSource<NatsSession> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile NatsSession? _session;
    private long _awaySince = time.GetTimestamp();

    /// <summary>The connection, or null while there is none.</summary>
    public NatsSession? Session => _session;

    /// <summary>How long there has been no connection.</summary>
    public TimeSpan AwayFor => _session is null ? time.GetElapsedTime(Volatile.Read(ref _awaySince)) : TimeSpan.Zero;

    /// <summary>Asks for messages on every connection. To be called before the start.</summary>
    public void Subscribe(string subject, string queue, Action<NatsMessage> handler) => _subscriptions.Add((subject, queue, handler));

    /// <summary>Waits for a connection, at most so long. Null when there is none yet.</summary>
    public async Task<NatsSession?> WaitForSessionAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        Task<NatsSession> next;
        lock (_gate)
        {
            if (_session is { } session)
            {
                return session;
            }

            next = _next.Task;
        }

        await Task.WhenAny(next, Task.Delay(atMost, time, cancellationToken)).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return _session;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!NatsServer.TryParseList(options.Value.Url, out var servers, out var error))
        {
            throw new InvalidOperationException(error);
        }

        var names = string.Join(", ", servers.Select(s => s.ToString()));
        var delay = FirstRetryDelay;
        var isFirst = true;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var link = await connector.ConnectAsync(servers, options.Value, stoppingToken).ConfigureAwait(false);
                var since = time.GetTimestamp();
                await ServeAsync(link, names, isFirst, stoppingToken).ConfigureAwait(false);

                // A server that drops us at once is one that is away.
                delay = time.GetElapsedTime(since) > options.Value.MaxRetryDelay ? FirstRetryDelay : Next(delay);
                isFirst = false;
            }
            catch (NatsLinkException e)
            {
                LogAway(logger, names, e.Message, delay);
                metrics.ConnectFailed();
                delay = Next(delay);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The client library throws whatever it meets; no kind of it may end the bridge.
                LogFault(logger, e, names);
                metrics.ConnectFailed();
                delay = Next(delay);
            }

            // Several silos must not come back all at the same moment.
            var pause = delay * (0.5 + (Random.Shared.NextDouble() / 2));
            await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private TimeSpan Next(TimeSpan delay) => delay * 2 < options.Value.MaxRetryDelay ? delay * 2 : options.Value.MaxRetryDelay;

    private async Task ServeAsync(INatsLink link, string names, bool isFirst, CancellationToken stoppingToken)
    {
        var requests = new NatsRequests(link);
        foreach (var (subject, queue, handler) in _subscriptions)
        {
            link.Subscribe(subject, queue, handler);
        }

        // The server has let us in and knows the subscriptions once it answers behind them.
        await link.FlushAsync(options.Value.ConnectTimeout, stoppingToken).ConfigureAwait(false);
        var session = new NatsSession(link, requests, new StreamLookup(requests, time));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var lookup = session.Streams.RunAsync(ended.Token);
        lock (_gate)
        {
            _session = session;
            _next.SetResult(session);
        }

        LogConnected(logger, names);
        if (!isFirst)
        {
            metrics.Reconnected();
        }

        try
        {
            await link.Closed.WaitAsync(stoppingToken).ConfigureAwait(false);
            LogLost(logger, names);
        }
        finally
        {
            lock (_gate)
            {
                _session = null;
                Volatile.Write(ref _awaySince, time.GetTimestamp());
                _next = new TaskCompletionSource<NatsSession>(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            await ended.CancelAsync().ConfigureAwait(false);
            await lookup.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(6000, LogLevel.Information, "Connected to NATS ({Servers})")]
    private static partial void LogConnected(ILogger logger, string servers);

    [LoggerMessage(6001, LogLevel.Warning, "NATS ({Servers}) is lost; events wait in the outbox")]
    private static partial void LogLost(ILogger logger, string servers);

    [LoggerMessage(6002, LogLevel.Warning, "NATS ({Servers}) is away: {Error}. The next attempt is in about {Delay}")]
    private static partial void LogAway(ILogger logger, string servers, string error, TimeSpan delay);

    [LoggerMessage(6003, LogLevel.Error, "The connection to NATS ({Servers}) failed in an unexpected way; it is made anew")]
    private static partial void LogFault(ILogger logger, Exception exception, string servers);
}
