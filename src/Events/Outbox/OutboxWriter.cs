using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Events.Outbox;

/// <summary>
/// Brings the durable events of states that are not stored, such as rooms, into the outbox: many at once, in order.
/// While the store is away they wait here, within bounds; nobody who tells of an event ever waits.
/// </summary>
internal sealed partial class OutboxWriter : BackgroundService
{
    private const int MaxBatch = 256;
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly IOutboxStore _store;
    private readonly OutboxSignal _signal;
    private readonly EventMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<OutboxWriter> _logger;
    private readonly TimeSpan _maxRetryDelay;
    private readonly Channel<DomainEvent> _waiting;
    private readonly CancellationTokenSource _giveUp = new();

    public OutboxWriter(
        IOutboxStore store, OutboxSignal signal, IOptions<EventsOptions> options, EventMetrics metrics, TimeProvider time, ILogger<OutboxWriter> logger)
    {
        _store = store;
        _signal = signal;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _maxRetryDelay = options.Value.MaxRetryDelay;
        _waiting = Channel.CreateBounded<DomainEvent>(new BoundedChannelOptions(options.Value.MaxWaitingEvents) { SingleReader = true });
        metrics.ObserveWaiting(() => _waiting.Reader.Count);
    }

    /// <summary>Takes an event; drops and counts it when too many wait.</summary>
    public void Add(DomainEvent domainEvent)
    {
        if (!_waiting.Writer.TryWrite(domainEvent))
        {
            _metrics.Dropped("store_away");
            LogDropped(_logger, domainEvent.Type, domainEvent.Key);
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // Everybody who tells of events has stopped before; what they said is written first.
        _waiting.Writer.TryComplete();
        using var late = cancellationToken.Register(() => _giveUp.Cancel());
        await (ExecuteTask ?? Task.CompletedTask).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _giveUp.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batch = new List<OutboxEvent>(MaxBatch);
        while (await _waiting.Reader.WaitToReadAsync(_giveUp.Token).ConfigureAwait(false))
        {
            while (batch.Count < MaxBatch && _waiting.Reader.TryRead(out var domainEvent))
            {
                try
                {
                    batch.Add(EventEnvelope.ToOutbox(domainEvent));
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    // A record that cannot be written is a bug; it must not hold up the others.
                    LogFault(_logger, e, domainEvent.Type, domainEvent.Key);
                    _metrics.Dropped("fault");
                }
            }

            await WriteAsync(batch).ConfigureAwait(false);
            batch.Clear();
        }
    }

    private async Task WriteAsync(IReadOnlyList<OutboxEvent> batch)
    {
        var delay = FirstRetryDelay;
        while (true)
        {
            try
            {
                // An append whose answer was lost is repeated: rows that are there stay as they are.
                await _store.AppendAsync(batch, _giveUp.Token).ConfigureAwait(false);
                _signal.Notify();
                return;
            }
            catch (Exception e) when (!_giveUp.IsCancellationRequested)
            {
                LogStoreAway(_logger, e, batch.Count + _waiting.Reader.Count, delay);
                await Task.Delay(delay, _time, _giveUp.Token).ConfigureAwait(false);
                delay = delay * 2 < _maxRetryDelay ? delay * 2 : _maxRetryDelay;
            }
        }
    }

    [LoggerMessage(6030, LogLevel.Warning, "The store does not take events: {Count} wait in memory. The next attempt is in {Delay}")]
    private static partial void LogStoreAway(ILogger logger, Exception exception, int count, TimeSpan delay);

    [LoggerMessage(6032, LogLevel.Error, "The event {Type} of {Key} cannot be written as JSON")]
    private static partial void LogFault(ILogger logger, Exception exception, string type, string key);

    [LoggerMessage(6031, LogLevel.Debug, "Too many events wait for the store: {Type} of {Key} is dropped")]
    private static partial void LogDropped(ILogger logger, string type, string key);
}
