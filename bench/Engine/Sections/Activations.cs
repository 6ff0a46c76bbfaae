using System.Diagnostics;
using VoiceCluster.Bench.Engine.Grains;
using VoiceCluster.Bench.Engine.Processes;

namespace VoiceCluster.Bench.Engine.Sections;

/// <summary>New activations a second by 64 callers of the same silo, and what an idle one keeps of the managed heap.</summary>
internal static class Activations
{
    private const int Callers = 64;
    private const int Each = 500;

    /// <summary>Far from every other key.</summary>
    private static long _next = 1L << 40;

    public static async Task RunAsync(string table, int rounds, Report report)
    {
        await using var one = await Cluster.StartAsync(table, 1);
        foreach (var isStored in new[] { false, true })
        {
            await ActivateAsync(one, isStored, Each);
            for (var i = 0; i < rounds; i++)
            {
                report.Calibrate();
                var before = await one.Client.GetGrain<ICallerGrain>(0).MemoryAsync();
                var watch = Stopwatch.GetTimestamp();
                await ActivateAsync(one, isStored, Each);
                var time = Stopwatch.GetElapsedTime(watch);
                var after = await one.Client.GetGrain<ICallerGrain>(0).MemoryAsync();
                const double Count = Callers * Each;
                report.Add($"new activations, {(isStored ? "persistent" : "field")} state, {Callers}", Count / time.TotalSeconds);
                report.Add($"bytes of the heap each, {(isStored ? "persistent" : "field")} state", (after.Heap - before.Heap) / Count);
            }
        }
    }

    /// <summary>100,000 grains that nobody calls any more: bytes of the heap and of the process for each.</summary>
    public static async Task IdleAsync(string table, Report report)
    {
        await using var one = await Cluster.StartAsync(table, 1);
        await ActivateAsync(one, isStored: false, 10);
        var before = await one.Client.GetGrain<ICallerGrain>(0).MemoryAsync();
        const int Total = 100_000;
        await ActivateAsync(one, isStored: false, Total / Callers);
        var after = await one.Client.GetGrain<ICallerGrain>(0).MemoryAsync();
        const double Count = Total / Callers * Callers;
        report.Add("100,000 idle grains: bytes of the heap each", (after.Heap - before.Heap) / Count);
        report.Add("100,000 idle grains: bytes of the process each", (after.WorkingSet - before.WorkingSet) / Count);
    }

    private static Task ActivateAsync(Cluster cluster, bool isStored, int each) => Task.WhenAll(Enumerable.Range(0, Callers).Select(i =>
        cluster.Client.GetGrain<ICallerGrain>(i).ActivateAsync(Interlocked.Add(ref _next, each) - each, each, isStored)));
}
