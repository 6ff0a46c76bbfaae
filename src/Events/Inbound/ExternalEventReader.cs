using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events.Nats;

namespace VoiceCluster.Events.Inbound;

/// <summary>
/// Obeys what other systems say over NATS. All silos form one queue group, so that one of them gets each message; they are
/// obeyed one after the other. A request (a message with a reply subject) is answered once it was obeyed, so that a
/// sender who must be sure repeats it until then.
/// </summary>
internal sealed partial class ExternalEventReader : BackgroundService
{
    /// <summary>The queue group of all silos.</summary>
    public const string QueueGroup = "voicecluster";

    private const int Attempts = 5;
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(200);

    private readonly NatsBus _bus;
    private readonly IExternalEvents _cluster;
    private readonly EventMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<ExternalEventReader> _logger;
    private readonly Channel<NatsMessage> _messages;

    public ExternalEventReader(
        NatsBus bus,
        IExternalEvents cluster,
        IOptions<EventsOptions> options,
        EventMetrics metrics,
        TimeProvider time,
        ILogger<ExternalEventReader> logger)
    {
        _bus = bus;
        _cluster = cluster;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _messages = Channel.CreateBounded<NatsMessage>(new BoundedChannelOptions(options.Value.MaxInboundMessages) { SingleReader = true });
        foreach (var subject in ExternalEvent.Subjects)
        {
            bus.Subscribe(subject, QueueGroup, Take);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var message in _messages.Reader.ReadAllAsync(stoppingToken).ConfigureAwait(false))
        {
            if (!ExternalEvent.TryParse(message.Subject, message.Payload, out var external, out var error))
            {
                LogMalformed(_logger, message.Subject, error);
                _metrics.Received(message.Subject, "malformed");
                await AnswerAsync(message, new { error }, stoppingToken).ConfigureAwait(false);
                continue;
            }

            var isDone = await TryObeyAsync(message.Subject, external, stoppingToken).ConfigureAwait(false);
            _metrics.Received(message.Subject, isDone ? "ok" : "failed");
            await AnswerAsync(message, isDone ? new { ok = true } : new { error = "The cluster cannot do it now. Try again." }, stoppingToken)
                .ConfigureAwait(false);
        }
    }

    private void Take(NatsMessage message)
    {
        if (!_messages.Writer.TryWrite(message))
        {
            LogOverflow(_logger, message.Subject);
            _metrics.Received(message.Subject, "dropped");
        }
    }

    private async Task<bool> TryObeyAsync(string subject, ExternalEvent external, CancellationToken cancellationToken)
    {
        var delay = FirstRetryDelay;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await external.ApplyAsync(_cluster).ConfigureAwait(false);
                LogObeyed(_logger, subject, external);
                return true;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                if (attempt == Attempts)
                {
                    LogFailed(_logger, e, subject, external);
                    return false;
                }

                await Task.Delay(delay, _time, cancellationToken).ConfigureAwait(false);
                delay *= 2;
            }
        }
    }

    private async Task AnswerAsync(NatsMessage message, object answer, CancellationToken cancellationToken)
    {
        if (message.ReplyTo is not { Length: > 0 } replyTo || _bus.Session is not { } session)
        {
            return;
        }

        try
        {
            await session.Link.PublishAsync(new NatsPublication(replyTo, JsonSerializer.SerializeToUtf8Bytes(answer)), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is NatsLinkException or ArgumentException)
        {
            LogNotAnswered(_logger, message.Subject, e.Message);
        }
    }

    [LoggerMessage(6050, LogLevel.Warning, "A message on {Subject} is malformed and ignored: {Error}")]
    private static partial void LogMalformed(ILogger logger, string subject, string error);

    [LoggerMessage(6051, LogLevel.Warning, "Too many messages wait: one on {Subject} is dropped")]
    private static partial void LogOverflow(ILogger logger, string subject);

    [LoggerMessage(6052, LogLevel.Information, "{Subject} obeyed: {Event}")]
    private static partial void LogObeyed(ILogger logger, string subject, ExternalEvent @event);

    [LoggerMessage(6053, LogLevel.Error, "{Subject} could not be obeyed, and is given up: {Event}")]
    private static partial void LogFailed(ILogger logger, Exception exception, string subject, ExternalEvent @event);

    [LoggerMessage(6054, LogLevel.Debug, "A request on {Subject} could not be answered: {Error}")]
    private static partial void LogNotAnswered(ILogger logger, string subject, string error);
}
