using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Numerics;
using System.Text;

namespace VoiceCluster.Hosting.Metrics;

/// <summary>
/// Listens to the meters of this process and writes their state as Prometheus text, format 0.0.4.
/// One a process, made before the first measurement: what was counted before it exists is not seen.
/// </summary>
public sealed class PrometheusExporter : IDisposable
{
    /// <summary>Meters whose names start so are exported; the first is ours, the others the framework's.</summary>
    private static readonly string[] Meters = ["VoiceCluster", "Microsoft.Orleans", "System.Runtime", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.Hosting"];

    /// <summary>Prometheus' own default bounds in seconds, used where an instrument advises none.</summary>
    private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly ConcurrentDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly Lock _scrape = new();
    private readonly MeterListener _listener = new();

    /// <summary>Starts to listen.</summary>
    public PrometheusExporter()
    {
        _listener.InstrumentPublished = Publish;
        Listen<byte>();
        Listen<short>();
        Listen<int>();
        Listen<long>();
        Listen<float>();
        Listen<double>();
        Listen<decimal>();
        _listener.Start();
    }

    /// <summary>The state of all instruments now.</summary>
    public string Write()
    {
        lock (_scrape)
        {
            foreach (var family in _families.Values)
            {
                family.BeginObservation();
            }

            _listener.RecordObservableInstruments();
            var text = new StringBuilder(16 * 1024);
            foreach (var family in _families.Values.OrderBy(f => f.Name, StringComparer.Ordinal))
            {
                family.Write(text);
            }

            return text.ToString();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Publish(Instrument instrument, MeterListener listener)
    {
        if (!Array.Exists(Meters, m => instrument.Meter.Name.StartsWith(m, StringComparison.Ordinal)))
        {
            return;
        }

        var kind = KindOf(instrument);
        var name = MetricName.From(instrument.Name, instrument.Unit, kind is MetricKind.CounterDelta or MetricKind.CounterTotal);
        var family = _families.GetOrAdd(name, _ => new MetricFamily(name, instrument.Description, kind, BoundsOf(instrument)));
        listener.EnableMeasurementEvents(instrument, family);
    }

    private void Listen<T>()
        where T : struct, INumber<T> =>
        _listener.SetMeasurementEventCallback<T>(static (_, value, tags, state) => ((MetricFamily)state!).Record(double.CreateSaturating(value), tags));

    private static MetricKind KindOf(Instrument instrument)
    {
        var type = instrument.GetType();
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        return definition == typeof(Counter<>) ? MetricKind.CounterDelta
            : definition == typeof(UpDownCounter<>) ? MetricKind.GaugeDelta
            : definition == typeof(ObservableCounter<>) ? MetricKind.CounterTotal
            : definition == typeof(Histogram<>) ? MetricKind.Histogram
            : MetricKind.GaugeValue;
    }

    private static double[] BoundsOf(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        _ => DefaultBounds,
    };
}
