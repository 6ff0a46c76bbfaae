using System.Diagnostics.Metrics;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.Media;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Metrics;

/// <summary>The media plane's instruments; docs/metrics.md names each. They read the workers' counters when they are scraped.</summary>
public sealed class MediaMetrics : IScrapeSource, IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "VoiceCluster.Media";

    /// <summary>How long a scrape waits for a worker's sums; past it they are up to a second old.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private static readonly KeyValuePair<string, object?>[] Reasons =
        [.. Enum.GetValues<DropReason>().Select(r => new KeyValuePair<string, object?>("reason", SnakeCase(r.ToString())))];

    private readonly MediaNodeRuntime _runtime;
    private readonly Meter _meter = new(MeterName);
    private readonly Histogram<double> _join;

    /// <summary>Registers the instruments.</summary>
    public MediaMetrics(MediaNodeRuntime runtime)
    {
        _runtime = runtime;
        Counter("voicecluster_media_datagrams_received", null, "UDP datagrams received.", s => s.DatagramsReceived);
        Counter("voicecluster_media_received", "By", "Bytes of UDP datagrams received.", s => s.BytesReceived);
        Counter("voicecluster_media_datagrams_sent", null, "UDP datagrams sent.", s => s.DatagramsSent);
        Counter("voicecluster_media_sent", "By", "Bytes of UDP datagrams sent.", s => s.BytesSent);
        Counter("voicecluster_media_rtp_packets_received", null, "RTP packets from clients.", s => s.Media.RtpPacketsReceived);
        Counter("voicecluster_media_rtp_packets_sent", null, "RTP packets to clients.", s => s.Media.RtpPacketsSent);
        Counter("voicecluster_media_rtp_received", "By", "Bytes of RTP packets from clients.", s => s.Media.RtpBytesReceived);
        Counter("voicecluster_media_rtp_sent", "By", "Bytes of RTP packets to clients.", s => s.Media.RtpBytesSent);
        Counter("voicecluster_media_nacks_sent", null, "Sequence numbers asked of senders again.", s => s.Media.NacksSent);
        Counter("voicecluster_media_nacks_received", null, "Sequence numbers that receivers asked for again.", s => s.Media.NacksReceived);
        Counter("voicecluster_media_packets_retransmitted", null, "Packets sent again.", s => s.Media.PacketsRetransmitted);
        Counter("voicecluster_media_packets_recovered", null, "Lost packets of sound that the redundancy of a later one gave back.", s => s.Media.PacketsRecovered);
        Counter("voicecluster_media_rtx_packets_received", null, "Packets that came by RTX.", s => s.Media.RtxPacketsReceived);
        Counter("voicecluster_media_key_frame_requests_sent", null, "PLI and FIR to senders.", s => s.Media.KeyFrameRequestsSent);
        Counter("voicecluster_media_key_frame_requests_received", null, "PLI and FIR from receivers.", s => s.Media.KeyFrameRequestsReceived);
        Counter("voicecluster_media_dtls_handshakes_completed", null, "DTLS handshakes that gave SRTP keys.", s => s.DtlsHandshakesCompleted);
        Counter("voicecluster_media_dtls_handshakes_failed", null, "DTLS handshakes that failed.", s => s.DtlsHandshakesFailed);
        Counter("voicecluster_media_consent_expired", null, "Transports closed because ICE was silent for 30 s.", s => s.ConsentExpired);
        Gauge("voicecluster_media_transports", "WebRTC transports.", s => s.Transports);
        Gauge("voicecluster_media_plain_transports", "Plain transports.", s => s.PlainTransports);
        Counter("voicecluster_media_relay_datagrams_received", null, "UDP datagrams received at the relay port.", s => s.RelayDatagramsReceived);
        Gauge("voicecluster_media_relay_clients", "Native clients.", s => s.Relays);
        Gauge("voicecluster_media_producers", "Producers.", s => s.Producers);
        Gauge("voicecluster_media_consumers", "Consumers.", s => s.Consumers);
        Gauge("voicecluster_media_pipes", "Pipes to other media nodes.", s => s.Pipes);
        Gauge("voicecluster_media_worker_pipes", "Ends of pipes to other workers of this node, of rooms that are on several.", s => s.WorkerPipes);
        Counter("voicecluster_media_worker_pipe_packets", null, "RTP packets and reports taken from other workers of this node.", s => s.WorkerPipePackets);
        Gauge("voicecluster_media_rooms", "Rooms.", s => s.Routers);
        Gauge("voicecluster_media_room_branches", "Rooms that are at home at another worker of this node and reach to this one.", s => s.Branches);
        _meter.CreateObservableCounter("voicecluster_media_packets_dropped", Drops, null, "Packets dropped, by reason.");
        _meter.CreateObservableCounter("voicecluster_media_send_failures", () => OfThreads(t => t.Socket.SendFailures + t.PlainPorts.SendFailures + (t.Relay?.SendFailures ?? 0)), null, "Datagrams that the system did not take.");
        _meter.CreateObservableCounter("voicecluster_media_receive_queue_overflows", () => OfThreads(t => t.Socket.ReceiveQueueOverflows + t.PlainPorts.ReceiveQueueOverflows + (t.Relay?.ReceiveQueueOverflows ?? 0)), null, "Datagrams that the kernel dropped because the worker was late (SO_RXQ_OVFL).");
        _meter.CreateObservableCounter("voicecluster_media_send_messages", () => OfThreads(t => t.Socket.SendMessages + t.PlainPorts.SendMessages + (t.Relay?.SendMessages ?? 0)), null, "Messages handed to the system; one may carry several datagrams for one receiver (UDP_SEGMENT).");
        _meter.CreateObservableGauge("voicecluster_media_worker_busy", () => OfThreads(t => t.BusyRatio), "1", "Share of the last second in which the worker did not wait.");
        _meter.CreateObservableGauge("voicecluster_media_worker_send_delay", () => OfThreads(t => t.SendDelay.TotalSeconds), "s", "Time for which the worker lets what it sends gather: 0 unless it is at its limit.");
        _meter.CreateObservableCounter("voicecluster_media_worker_allocated", () => OfThreads(t => t.AllocatedBytes), "By", "Bytes of managed memory that the worker's thread has allocated, as of the last second. Packets allocate none; joins and changes do.");
        _join = _meter.CreateHistogram(
            "voicecluster_media_transport_connect_duration",
            "s",
            "From the making of a transport to its first media connection.",
            tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30] });
    }

    /// <summary>A transport became connected so many microseconds after its making.</summary>
    public void TransportConnected(long microseconds) => _join.Record(microseconds / 1_000_000d);

    /// <inheritdoc/>
    public Task RefreshAsync(CancellationToken cancellationToken) => Task.WhenAll(_runtime.Workers.Select(w => w.SumAsync(Patience, cancellationToken)));

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void Counter(string name, string? unit, string description, Func<WorkerStats, long> read) =>
        _meter.CreateObservableCounter(name, () => OfThreads(t => read(t.Worker.Stats)), unit, description);

    private void Gauge(string name, string description, Func<WorkerStats, long> read) =>
        _meter.CreateObservableGauge(name, () => OfThreads(t => read(t.Worker.Stats)), null, description);

    private IEnumerable<Measurement<T>> OfThreads<T>(Func<WorkerThread, T> read)
        where T : struct =>
        [.. _runtime.Workers.Select(t => new Measurement<T>(read(t), WorkerTag(t)))];

    private IEnumerable<Measurement<long>> Drops() =>
        [.. from thread in _runtime.Workers
            from reason in Enum.GetValues<DropReason>()
            where reason != DropReason.None
            select new Measurement<long>(thread.Worker.Stats.Dropped(reason), WorkerTag(thread), Reasons[(int)reason])];

    private static KeyValuePair<string, object?> WorkerTag(WorkerThread thread) => new("worker", thread.Index);

    private static string SnakeCase(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}
