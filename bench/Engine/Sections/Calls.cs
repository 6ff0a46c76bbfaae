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

    /// <summary>Each row is warmed up until the just-in-time compiler takes less than this of a second, ms; but not for ever.</summary>
    private const double MaxCompilerMs = 20;

    private const int MaxWarmUps = 5;

    public static async Task RunAsync(string table, int rounds, Report report, string only)
    {
        await using var one = await Cluster.StartAsync(table, 1);
        await using var two = await Cluster.StartAsync(table, 2);
        var local = await one.EchoKeysAsync(one.Silos[0], Grains);
        var remote = await two.EchoKeysAsync(two.Silos[1], Grains);
        var callers = await two.CallerKeysAsync(two.Silos[0], 256);
        var other = await two.CallerKeysAsync(two.Silos[1], 1);
        Func<Task<Pauses>> inOne = () => one.Client.GetGrain<ICallerGrain>(0).PausesAsync();
        Func<Task<Pauses>> inOneAndClient = async () => await inOne() + Pauses.OfThisProcess();
        Func<Task<Pauses>> inTwo = async () =>
            await two.Client.GetGrain<ICallerGrain>(callers[0]).PausesAsync() + await two.Client.GetGrain<ICallerGrain>(other[0]).PausesAsync();
        var rows = new List<(string Name, Func<TimeSpan, Task<double>> Measure)>();
        foreach (var count in new[] { 1, 64 })
        {
            Row($"grain to grain, same silo, {count}", count, inOne, (i, time) => one.Client.GetGrain<ICallerGrain>(i).RunAsync(local, i * 17, time));
        }

        foreach (var count in new[] { 1, 16, 64, 256 })
        {
            Row($"client to gateway, TCP, {count}", count, inOneAndClient, (i, time) => Task.Run(() => CallLoop.RunAsync(one.Client, local, i * 17, time)));
        }

        foreach (var count in new[] { 1, 16, 64, 256 })
        {
            Row($"silo to silo, TCP, {count}", count, inTwo, (i, time) => two.Client.GetGrain<ICallerGrain>(callers[i]).RunAsync(remote, i * 17, time));
        }

        void Row(string name, int count, Func<Task<Pauses>> pauses, Func<int, TimeSpan, Task<CallFigures>> call)
        {
            if (name.Contains(only, StringComparison.Ordinal))
            {
                rows.Add((name, time => MeasureAsync(report, time == WarmUp ? null : name, count, pauses, i => call(i, time))));
            }
        }

        foreach (var row in rows)
        {
            for (var i = 0; i < MaxWarmUps && await row.Measure(WarmUp) > MaxCompilerMs; i++)
            {
            }
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

    /// <summary>
    /// Runs so many callers and notes calls a second, and the 50th and 99th percentile of their round trips in µs; beside it what kept the
    /// processes from their work meanwhile. Answers the compiler's part of a second, ms.
    /// </summary>
    private static async Task<double> MeasureAsync(Report report, string? row, int callers, Func<Task<Pauses>> pauses, Func<int, Task<CallFigures>> call)
    {
        var before = await pauses();
        var watch = Stopwatch.GetTimestamp();
        var figures = await Task.WhenAll(Enumerable.Range(0, callers).Select(call));
        var seconds = Stopwatch.GetElapsedTime(watch).TotalSeconds;
        var calls = figures.Sum(f => f.Calls);
        var paused = await pauses() - before;
        var times = new Histogram(figures.Select(f => f.Buckets));
        if (row is not null)
        {
            report.Add(row, calls / seconds, times.At(0.5), times.At(0.99));
            report.Add(
                $"{row}: collections/s, ms of them, ms of the compiler, switches a call",
                paused.Collections / seconds,
                paused.CollectionMs / seconds,
                paused.CompilerMs / seconds,
                (double)paused.Switches / calls);
            report.Add($"{row}: 90th, 99.9th percentile", times.At(0.9), times.At(0.999));
        }

        return paused.CompilerMs / seconds;
    }
}
