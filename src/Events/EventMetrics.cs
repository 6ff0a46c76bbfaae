using System.Diagnostics.Metrics;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Events;

/// <summary>The bridge's instruments; docs/metrics.md explains them.</summary>
internal sealed class EventMetrics : IDisposable
{
    private readonly Meter _meter = new("VoiceCluster.Events");
    private readonly Counter<long> _published;
    private readonly Counter<long> _failed;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _received;
    private readonly Counter<long> _reconnects;
    private readonly Counter<long> _connectFailures;

    public EventMetrics()
    {
        _published = _meter.CreateCounter<long>("voicecluster.events.published", "{event}", "Events that NATS has, by how it acknowledged them");
        _failed = _meter.CreateCounter<long>("voicecluster.events.publish.failures", "{attempt}", "Attempts to publish that failed");
        _dropped = _meter.CreateCounter<long>("voicecluster.events.dropped", "{event}", "Events that are lost");
        _received = _meter.CreateCounter<long>("voicecluster.events.received", "{message}", "Messages of other systems");
        _reconnects = _meter.CreateCounter<long>("voicecluster.events.nats.reconnects", "{connection}", "Connections after the first");
        _connectFailures = _meter.CreateCounter<long>("voicecluster.events.nats.connect.failures", "{attempt}", "Connections that did not come up or failed at once");

        // The whole cluster shares one outbox; who publishes it measures it.
        _meter.CreateObservableGauge("voicecluster.events.outbox.depth", () => Observe(Backlog?.Count), "{event}", "Events in the outbox");
        _meter.CreateObservableGauge("voicecluster.events.outbox.oldest_age", () => Observe(Backlog?.OldestAge.TotalSeconds), "s", "Age of the oldest of them");
    }

    /// <summary>What waits in the outbox, as it was counted last.</summary>
    public OutboxBacklog? Backlog { get; set; }

    public void ObserveWaiting(Func<int> count) =>
        _meter.CreateObservableGauge("voicecluster.events.waiting", count, "{event}", "Events in memory that wait for the store");

    public void ObserveConnection(Func<bool> isUp) =>
        _meter.CreateObservableGauge("voicecluster.events.nats.connected", () => isUp() ? 1 : 0, "{connection}", "1 while the connection is up");

    public void Published(string acknowledgement, int count) =>
        _published.Add(count, new KeyValuePair<string, object?>("ack", acknowledgement));

    public void PublishFailed(string reason) => _failed.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Dropped(string reason) => _dropped.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Received(string subject, string outcome) =>
        _received.Add(1, new KeyValuePair<string, object?>("subject", subject), new KeyValuePair<string, object?>("outcome", outcome));

    public void Reconnected() => _reconnects.Add(1);

    public void ConnectFailed() => _connectFailures.Add(1);

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<T>> Observe<T>(T? value)
        where T : struct => value is { } known ? [new Measurement<T>(known)] : [];
}
