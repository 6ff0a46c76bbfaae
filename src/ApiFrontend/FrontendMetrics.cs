using System.Diagnostics.Metrics;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend;

/// <summary>What the doors count; names and units are in docs/metrics.md.</summary>
public sealed class FrontendMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "VoiceCluster.Frontend";

    private readonly Meter _meter;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;

    public FrontendMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _closed = _meter.CreateCounter<long>("voicecluster.frontend.connections.closed", "{connection}", "Socket.IO connections that ended, by reason.");
        _dropped = _meter.CreateCounter<long>("voicecluster.frontend.frames.dropped", "{frame}", "Frames that a closed or slow connection did not take.");
        _requests = _meter.CreateCounter<long>("voicecluster.frontend.requests", "{request}", "Events handled, by door, event and outcome.");
        _duration = _meter.CreateHistogram<double>("voicecluster.frontend.request.duration", "s", "From an event to its answer, by door and event.");
    }

    internal void ObserveSessions(Func<int> count)
        => _meter.CreateObservableGauge("voicecluster.frontend.connections", count, "{connection}", "Open Socket.IO connections.");

    internal void ObserveParticipants(Func<int> count)
        => _meter.CreateObservableGauge("voicecluster.frontend.participants", count, "{participant}", "Participants whose door is this process.");

    internal void ConnectionClosed(DisconnectReason reason) => _closed.Add(1, KeyValuePair.Create<string, object?>("reason", reason.ToString()));

    internal void FramesDropped(int frames) => _dropped.Add(frames);

    internal void Request(string door, string name, string outcome, TimeSpan duration)
    {
        KeyValuePair<string, object?> doorTag = new("door", door);
        KeyValuePair<string, object?> eventTag = new("event", name);
        _requests.Add(1, doorTag, eventTag, new("outcome", outcome));
        _duration.Record(duration.TotalSeconds, doorTag, eventTag);
    }
}
