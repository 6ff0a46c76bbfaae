using System.Diagnostics.Metrics;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>The recorder's instruments; docs/metrics.md names each.</summary>
public sealed class RecordingMetrics : IDisposable
{
    private readonly Meter _meter = new(Metrics.MediaMetrics.MeterName);

    /// <summary>Registers the instruments.</summary>
    public RecordingMetrics(RecordingWriter writer)
    {
        _meter.CreateObservableGauge("voicecluster_recordings", () => writer.Count, null, "Recordings that are written.");
        _meter.CreateObservableCounter("voicecluster_recordings_failed", () => writer.Failures, null, "Recordings that broke off.");
        _meter.CreateObservableCounter("voicecluster_recording_written", () => writer.BytesWritten, "By", "Bytes of recordings that have ended.");
        _meter.CreateObservableCounter("voicecluster_recording_packets_dropped", () => writer.PacketsDropped, null, "Packets that were not recorded because the disk was too slow.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
