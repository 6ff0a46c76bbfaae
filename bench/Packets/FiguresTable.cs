using System.Globalization;
using BenchmarkDotNet.Reports;

namespace VoiceCluster.Bench.Packets;

/// <summary>The figures as docs/performance.md has them.</summary>
internal static class FiguresTable
{
    /// <summary>Prints a line a benchmark: nanoseconds, the standard deviation, bytes allocated.</summary>
    public static void Print(IEnumerable<Summary> summaries, TextWriter to)
    {
        to.WriteLine();
        to.WriteLine("| operation | ns | ± | bytes allocated |");
        to.WriteLine("|---|---|---|---|");
        foreach (var report in summaries.SelectMany(s => s.Reports).Where(r => r.ResultStatistics is not null))
        {
            var parameters = string.Join(", ", report.BenchmarkCase.Parameters.Items.Select(p => $"{p.Name} {p.Value}"));
            var name = report.BenchmarkCase.Descriptor.Type.Name.Replace("Benchmarks", "", StringComparison.Ordinal);
            var figures = report.ResultStatistics!;
            to.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name}.{report.BenchmarkCase.Descriptor.WorkloadMethod.Name}{(parameters.Length > 0 ? $" ({parameters})" : "")} | {figures.Mean:N0} | {figures.StandardDeviation:N0} | {report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase)?.ToString("N0", CultureInfo.InvariantCulture) ?? "–"} |"));
        }
    }
}
