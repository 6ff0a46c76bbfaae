using System.Diagnostics.Metrics;
using VoiceCluster.Hosting.Metrics;

namespace VoiceCluster.Hosting.Tests;

public sealed class PrometheusExporterTests : IDisposable
{
    private readonly PrometheusExporter _exporter = new();
    private readonly Meter _meter = new("VoiceCluster.Tests");
    private readonly string _prefix = $"t{Guid.NewGuid():N}";

    public void Dispose()
    {
        _meter.Dispose();
        _exporter.Dispose();
    }

    [Fact]
    public void Counter_WithUnitAndTags_FollowsTheConvention()
    {
        var counter = _meter.CreateCounter<long>($"{_prefix}.sent", "By", "Bytes sent.");
        counter.Add(5, new("door", "a\"b\\c\nd"), new("code", 7));
        counter.Add(2, new("code", 7), new("door", "a\"b\\c\nd"));

        var text = _exporter.Write();

        Assert.Contains($"# HELP {_prefix}_sent_bytes_total Bytes sent.\n# TYPE {_prefix}_sent_bytes_total counter\n", text);
        Assert.Contains($"{_prefix}_sent_bytes_total{{code=\"7\",door=\"a\\\"b\\\\c\\nd\"}} 7\n", text);
    }

    [Fact]
    public void Histogram_AdvisedBounds_Cumulates()
    {
        var histogram = _meter.CreateHistogram(
            $"{_prefix}.wait", "s", null, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        histogram.Record(0.1);
        histogram.Record(0.5);
        histogram.Record(7);

        var text = _exporter.Write();

        Assert.Contains($"{_prefix}_wait_seconds_bucket{{le=\"0.1\"}} 1\n", text);
        Assert.Contains($"{_prefix}_wait_seconds_bucket{{le=\"1\"}} 2\n", text);
        Assert.Contains($"{_prefix}_wait_seconds_bucket{{le=\"+Inf\"}} 3\n", text);
        Assert.Contains($"{_prefix}_wait_seconds_sum 7.6\n", text);
        Assert.Contains($"{_prefix}_wait_seconds_count 3\n", text);
    }

    [Fact]
    public void ObservableGauge_SeriesThatIsGone_IsNotReported()
    {
        string[] rooms = ["a", "b"];
        _meter.CreateObservableGauge($"{_prefix}.rooms", () => rooms.Select(r => new Measurement<int>(1, new KeyValuePair<string, object?>("room", r))));
        Assert.Contains($"{_prefix}_rooms{{room=\"b\"}} 1\n", _exporter.Write());

        rooms = ["a"];
        var text = _exporter.Write();
        Assert.Contains($"{_prefix}_rooms{{room=\"a\"}} 1\n", text);
        Assert.DoesNotContain($"{_prefix}_rooms{{room=\"b\"}}", text);
    }

    [Fact]
    public void UpDownCounter_GoesDown_IsAGauge()
    {
        var counter = _meter.CreateUpDownCounter<int>($"{_prefix}.open");
        counter.Add(3);
        counter.Add(-2);
        Assert.Contains($"# TYPE {_prefix}_open gauge\n{_prefix}_open 1\n", _exporter.Write());
    }

    [Fact]
    public void Series_PastTheLimit_AreNotKept()
    {
        var counter = _meter.CreateCounter<int>($"{_prefix}.many");
        for (var i = 0; i < 5_000; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("client", i));
        }

        Assert.Equal(2_000, _exporter.Write().Split('\n').Count(l => l.StartsWith($"{_prefix}_many_total{{", StringComparison.Ordinal)));
    }

    [Fact]
    public void OtherMeters_AreNotExported()
    {
        using var foreign = new Meter("Somebody.Else");
        foreign.CreateCounter<int>($"{_prefix}.foreign").Add(1);
        Assert.DoesNotContain($"{_prefix}_foreign", _exporter.Write());
    }
}
