using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events.Nats;

namespace VoiceCluster.Events.Outbox;

/// <summary>
/// Publishes one batch. Keys go side by side; within a key an event waits until the stream has acknowledged the one before
/// it, because a stream may refuse one and take the next. What no stream keeps is acknowledged by one flush at the end.
/// </summary>
internal sealed partial class BatchPublication(
    NatsSession session, TimeSpan ackTimeout, HashSet<string> blocked, EventMetrics metrics, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly List<OutboxEntry> _unconfirmed = [];

    /// <summary>Positions of the events that the server has, or that it will never take.</summary>
    public List<long> Done { get; } = [];

    /// <summary>
    /// Publishes what is not blocked, and adds the keys whose events were refused to the blocked ones.
    /// </summary>
    /// <exception cref="NatsLinkException">The connection was lost; <see cref="Done"/> says how far it came.</exception>
    public async Task RunAsync(IReadOnlyList<OutboxEntry> batch, CancellationToken cancellationToken)
    {
        var lanes = batch.Where(e => !blocked.Contains(e.Event.Key)).GroupBy(e => e.Event.Key, StringComparer.Ordinal).ToArray();
        await Task.WhenAll(lanes.Select(lane => RunLaneAsync(lane, cancellationToken))).ConfigureAwait(false);
        if (_unconfirmed.Count > 0)
        {
            await session.Link.FlushAsync(ackTimeout, cancellationToken).ConfigureAwait(false);
            Confirm();
        }
    }

    /// <summary>The server took everything but what it said that it refuses; that is tried again.</summary>
    private void Confirm()
    {
        HashSet<string>? refused = null;
        foreach (var subject in _unconfirmed.Select(e => e.Event.Subject).Distinct(StringComparer.Ordinal))
        {
            if (session.Link.TakeRefusal(subject))
            {
                LogRefused(logger, subject, "no permission");
                metrics.PublishFailed("refused");
                (refused ??= new(StringComparer.Ordinal)).Add(subject);
            }
        }

        foreach (var (position, outboxEvent) in _unconfirmed)
        {
            if (refused?.Contains(outboxEvent.Subject) == true)
            {
                blocked.Add(outboxEvent.Key);
            }
            else
            {
                Done.Add(position);
                metrics.Published("flush", 1);
            }
        }
    }

    private async Task RunLaneAsync(IEnumerable<OutboxEntry> lane, CancellationToken cancellationToken)
    {
        foreach (var entry in lane)
        {
            var (position, outboxEvent) = entry;
            if (outboxEvent.Payload.Length > session.Link.MaxPayload)
            {
                // It would stand before all others for ever.
                LogTooLarge(logger, outboxEvent.Id, outboxEvent.Subject, outboxEvent.Payload.Length, session.Link.MaxPayload);
                metrics.PublishFailed("too_large");
                Note(Done, position);
            }
            else if (!NatsWriter.IsSubject(outboxEvent.Subject))
            {
                LogNoSubject(logger, outboxEvent.Id, outboxEvent.Subject);
                metrics.PublishFailed("no_subject");
                Note(Done, position);
            }
            else if (!await session.Streams.IsKeptAsync(outboxEvent.Subject, cancellationToken).ConfigureAwait(false))
            {
                await session.Link.PublishAsync(Publication(outboxEvent), cancellationToken).ConfigureAwait(false);
                Note(_unconfirmed, entry);
            }
            else if (await TryPublishToStreamAsync(outboxEvent, cancellationToken).ConfigureAwait(false))
            {
                Note(Done, position);
                metrics.Published("jetstream", 1);
            }
            else
            {
                lock (_gate)
                {
                    blocked.Add(outboxEvent.Key);
                }

                return;
            }
        }
    }

    private async Task<bool> TryPublishToStreamAsync(OutboxEvent outboxEvent, CancellationToken cancellationToken)
    {
        var answer = await session.Requests
            .SendAsync(Publication(outboxEvent), static p => JetStreamAck.TryParse(p, out _), ackTimeout, cancellationToken)
            .ConfigureAwait(false);
        if (answer is { } payload && JetStreamAck.TryParse(payload, out var ack))
        {
            if (ack.Error is null)
            {
                return true;
            }

            LogRefused(logger, outboxEvent.Subject, ack.Error);
            metrics.PublishFailed("refused");
        }
        else
        {
            LogSilent(logger, outboxEvent.Subject, ackTimeout);
            metrics.PublishFailed("timeout");
        }

        // The stream may be gone.
        session.Streams.Doubt(outboxEvent.Subject);
        return false;
    }

    private static NatsPublication Publication(OutboxEvent outboxEvent) =>
        new(outboxEvent.Subject, outboxEvent.Payload, MessageId: outboxEvent.Id.ToString());

    private void Note<T>(List<T> list, T item)
    {
        lock (_gate)
        {
            list.Add(item);
        }
    }

    [LoggerMessage(6020, LogLevel.Error, "Event {Id} ({Subject}) has {Bytes} bytes, but the server takes {Most} at most: it is not published. Raise max_payload")]
    private static partial void LogTooLarge(ILogger logger, Guid id, string subject, int bytes, long most);

    [LoggerMessage(6023, LogLevel.Error, "Event {Id} has the subject '{Subject}', which NATS does not allow: it is not published")]
    private static partial void LogNoSubject(ILogger logger, Guid id, string subject);

    [LoggerMessage(6021, LogLevel.Warning, "NATS refused an event of {Subject}: {Error}. It is tried again")]
    private static partial void LogRefused(ILogger logger, string subject, string error);

    [LoggerMessage(6022, LogLevel.Warning, "No stream acknowledged an event of {Subject} within {Timeout}. It is tried again")]
    private static partial void LogSilent(ILogger logger, string subject, TimeSpan timeout);
}
