using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace VoiceCluster.Hosting.Metrics;

/// <summary>How measurements of an instrument add up.</summary>
internal enum MetricKind
{
    /// <summary>Measurements are increments of a counter.</summary>
    CounterDelta,

    /// <summary>Measurements are increments, up or down, of a gauge.</summary>
    GaugeDelta,

    /// <summary>An observed counter: each measurement is the whole.</summary>
    CounterTotal,

    /// <summary>Each measurement is the present value.</summary>
    GaugeValue,

    /// <summary>Measurements fall into buckets.</summary>
    Histogram,
}

/// <summary>One instrument's series, one a set of tags. Written by any thread, read by the scrape.</summary>
internal sealed class MetricFamily(string name, string? help, MetricKind kind, double[] bounds)
{
    /// <summary>A set of tags past this many is not kept: a client must not fill the memory through a label.</summary>
    private const int MaxSeries = 2_000;

    private readonly ConcurrentDictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);
    private MetricSeries? _untagged;

    /// <summary>The Prometheus name.</summary>
    public string Name => name;

    /// <summary>Takes one measurement.</summary>
    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = tags.Length == 0 ? _untagged ??= Find("") : Find(MetricName.Labels(tags));
        series?.Record(kind, value);
    }

    /// <summary>Forgets the observed values before they are observed anew, so that what is gone is not reported.</summary>
    public void BeginObservation()
    {
        if (kind is MetricKind.CounterTotal or MetricKind.GaugeValue)
        {
            foreach (var series in _series.Values)
            {
                series.Forget();
            }
        }
    }

    /// <summary>Writes the text exposition format 0.0.4.</summary>
    public void Write(StringBuilder text)
    {
        var type = kind switch
        {
            MetricKind.CounterDelta or MetricKind.CounterTotal => "counter",
            MetricKind.Histogram => "histogram",
            _ => "gauge",
        };
        if (help is { Length: > 0 })
        {
            text.Append("# HELP ").Append(name).Append(' ').Append(help.Replace("\\", "\\\\").Replace("\n", "\\n")).Append('\n');
        }

        text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        foreach (var (labels, series) in _series.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            if (kind == MetricKind.Histogram)
            {
                WriteHistogram(text, labels, series);
            }
            else if (series.HasValue)
            {
                WriteLine(text, name, labels, series.Value);
            }
        }
    }

    private void WriteHistogram(StringBuilder text, string labels, MetricSeries series)
    {
        var (counts, sum) = series.ReadBuckets();
        var separator = labels.Length == 0 ? "" : ",";
        long cumulated = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            cumulated += counts[i];
            var bound = i < bounds.Length ? bounds[i].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
            WriteLine(text, $"{name}_bucket", $"{labels}{separator}le=\"{bound}\"", cumulated);
        }

        WriteLine(text, $"{name}_sum", labels, sum);
        WriteLine(text, $"{name}_count", labels, cumulated);
    }

    private static void WriteLine(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(value switch
        {
            double.PositiveInfinity => "+Inf",
            double.NegativeInfinity => "-Inf",
            _ => value.ToString("R", CultureInfo.InvariantCulture),
        }).Append('\n');
    }

    private MetricSeries? Find(string labels) =>
        _series.TryGetValue(labels, out var known) ? known
        : _series.Count >= MaxSeries ? null
        : _series.GetOrAdd(labels, static (_, b) => new MetricSeries(b), kind == MetricKind.Histogram ? bounds : null);
}
