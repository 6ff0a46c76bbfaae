using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events.Nats;

namespace VoiceCluster.Events.Outbox;

/// <summary>Publishes news that is worthless when it is late. It is dropped and counted while NATS is away or too slow.</summary>
internal sealed partial class TransientEvents(
    NatsBus bus, IOptions<EventsOptions> options, EventMetrics metrics, ILogger<TransientEvents> logger) : BackgroundService
{
    private readonly Channel<DomainEvent> _news =
        Channel.CreateBounded<DomainEvent>(new BoundedChannelOptions(options.Value.MaxTransientEvents) { SingleReader = true });

    /// <summary>Takes an event, or drops and counts it.</summary>
    public void Add(DomainEvent domainEvent)
    {
        if (bus.Session is null)
        {
            metrics.Dropped("nats_away");
        }
        else if (!_news.Writer.TryWrite(domainEvent))
        {
            metrics.Dropped("nats_slow");
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await _news.Reader.WaitToReadAsync(stoppingToken).ConfigureAwait(false))
        {
            while (_news.Reader.TryRead(out var domainEvent))
            {
                try
                {
                    await PublishAsync(domainEvent, stoppingToken).ConfigureAwait(false);
                }
                catch (NatsLinkException)
                {
                    metrics.Dropped("nats_away");
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    LogFault(logger, e, domainEvent.Type);
                    metrics.Dropped("fault");
                }
            }
        }
    }

    private async Task PublishAsync(DomainEvent domainEvent, CancellationToken cancellationToken)
    {
        if (bus.Session is not { } session)
        {
            metrics.Dropped("nats_away");
            return;
        }

        await session.Link.PublishAsync(new NatsPublication(domainEvent.Type, EventEnvelope.Serialize(domainEvent)), cancellationToken).ConfigureAwait(false);
        metrics.Published("none", 1);
    }

    [LoggerMessage(6040, LogLevel.Error, "The event {Type} could not be published")]
    private static partial void LogFault(ILogger logger, Exception exception, string type);
}
