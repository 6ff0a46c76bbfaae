using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace VoiceCluster.Bench.Engine;

/// <summary>Collects figures by row and prints them beside those of the official engine.</summary>
internal sealed class Report
{
    private readonly List<string> _order = [];
    private readonly Dictionary<string, List<double[]>> _samples = [];
    private readonly List<double> _calibration = [];
    private readonly Dictionary<string, string> _official = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "official.tsv"))
        .Where(l => l.Length > 0 && l[0] != '#')
        .Select(l => l.Split('\t'))
        .ToDictionary(c => c[0], c => c[1]);

    /// <summary>Notes one sample of a row: its figures, in the order of the row's format.</summary>
    public void Add(string row, params double[] figures)
    {
        if (!_samples.TryGetValue(row, out var samples))
        {
            _samples[row] = samples = [];
            _order.Add(row);
        }

        samples.Add(figures);
    }

    /// <summary>Measures how fast the machine is just now.</summary>
    public void Calibrate()
    {
        var data = new byte[1 << 20];
        var watch = Stopwatch.GetTimestamp();
        for (var i = 0; i < 64; i++)
        {
            SHA256.HashData(data);
        }

        _calibration.Add(64 * 1.048576 / Stopwatch.GetElapsedTime(watch).TotalSeconds);
    }

    /// <summary>Prints the table: medians of the samples, with the smallest and largest first figure.</summary>
    public void Print()
    {
        Console.WriteLine("| | here, median | from, to | samples | official |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var row in _order)
        {
            var samples = _samples[row];
            var medians = Enumerable.Range(0, samples[0].Length).Select(i => Format(Median([.. samples.Select(s => s[i])])));
            var (low, high) = (samples.Min(s => s[0]), samples.Max(s => s[0]));
            Console.WriteLine($"| {row} | {string.Join(" / ", medians)} | {Format(low)}, {Format(high)} | {samples.Count} | {_official.GetValueOrDefault(row, "")} |");
        }

        if (_calibration.Count > 0)
        {
            Console.WriteLine();
            Console.WriteLine($"SHA-256 on one core meanwhile: {Format(Median(_calibration))} MB/s ({Format(_calibration.Min())} to {Format(_calibration.Max())}). "
                + $"Load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}. {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC.");
        }
    }

    private static string Format(double value) => value.ToString(value >= 1_000 ? "N0" : value >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture);

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
