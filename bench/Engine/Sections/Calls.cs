using System.Diagnostics;
using VoiceCluster.Bench.Engine.Grains;
using VoiceCluster.Bench.Engine.Processes;

namespace VoiceCluster.Bench.Engine.Sections;

/// <summary>Calls a second and their round trips: in a silo, from a client, from silo to silo. Every silo and the client is a process.</summary>
internal static class Calls
{
    private const int Grains = 1_000;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(string table, int rounds, Report report, string only)
    {
        await using var one = await Cluster.StartAsync(table, 1);
        await using var two = await Cluster.StartAsync(table, 2);
        var local = await one.EchoKeysAsync(one.Silos[0], Grains);
        var remote = await two.EchoKeysAsync(two.Silos[1], Grains);
        var callers = await two.CallerKeysAsync(two.Silos[0], 256);
        var rows = new List<(string Name, Func<TimeSpan, Task> Measure)>();
        foreach (var count in new[] { 1, 64 })
        {
            Row($"grain to grain, same silo, {count}", count, (i, time) => one.Client.GetGrain<ICallerGrain>(i).RunAsync(local, i * 17, time));
        }

        foreach (var count in new[] { 1, 16, 64, 256 })
        {
            Row($"client to gateway, TCP, {count}", count, (i, time) => Task.Run(() => CallLoop.RunAsync(one.Client, local, i * 17, time)));
        }

        foreach (var count in new[] { 1, 16, 64, 256 })
        {
            Row($"silo to silo, TCP, {count}", count, (i, time) => two.Client.GetGrain<ICallerGrain>(callers[i]).RunAsync(remote, i * 17, time));
        }

        void Row(string name, int count, Func<int, TimeSpan, Task<CallFigures>> call)
        {
            if (name.Contains(only, StringComparison.Ordinal))
            {
                rows.Add((name, time => MeasureAsync(report, time == WarmUp ? null : name, count, i => call(i, time))));
            }
        }

        foreach (var row in rows)
        {
            await row.Measure(WarmUp);
        }

        for (var i = 0; i < rounds; i++)
        {
            foreach (var row in rows)
            {
                report.Calibrate();
                await row.Measure(Time);
            }
        }
    }

    /// <summary>Runs so many callers and notes calls a second, and the 50th and 99th percentile of their round trips in µs.</summary>
    public static async Task<double> MeasureAsync(Report report, string? row, int callers, Func<int, Task<CallFigures>> call)
    {
        var watch = Stopwatch.GetTimestamp();
        var figures = await Task.WhenAll(Enumerable.Range(0, callers).Select(call));
        var rate = figures.Sum(f => f.Calls) / Stopwatch.GetElapsedTime(watch).TotalSeconds;
        var times = new Histogram(figures.Select(f => f.Buckets));
        if (row is not null)
        {
            report.Add(row, rate, times.At(0.5), times.At(0.99));
        }

        return rate;
    }
}
