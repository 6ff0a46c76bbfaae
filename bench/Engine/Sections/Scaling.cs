using VoiceCluster.Bench.Engine.Grains;
using VoiceCluster.Bench.Engine.Processes;

namespace VoiceCluster.Bench.Engine.Sections;

/// <summary>Clusters of 1, 2, 4 and 8 silos on this one machine: calls and joins for each second of processor time, and what a new silo takes over.</summary>
internal static class Scaling
{
    /// <summary>Callers in each silo: several of them wait for the same other silo, as in a cluster that is in use.</summary>
    private const int CallersEach = 64;
    private const int Rooms = 512;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(string table, int rounds, Report report)
    {
        foreach (var silos in new[] { 1, 2, 4, 8 })
        {
            await using var cluster = await Cluster.StartAsync(table, silos);
            var targets = Enumerable.Range(0, 1_000).Select(i => (long)i).ToArray();
            await MeasureAsync(cluster, null, i => cluster.Client.GetGrain<ICallerGrain>(i).RunAsync(targets, i * 17, Time));
            await SettleAsync(cluster);
            await MeasureAsync(cluster, null, i => cluster.Client.GetGrain<ICallerGrain>(i).JoinAsync(Rooms, Time));
            for (var i = 0; i < rounds; i++)
            {
                report.Calibrate();
                await MeasureAsync(cluster, (report, $"{silos} silos: calls/s, and for each core in use"), i => cluster.Client.GetGrain<ICallerGrain>(i).RunAsync(targets, i * 17, Time));
                await SettleAsync(cluster);
                report.Calibrate();
                await MeasureAsync(cluster, (report, $"{silos} silos: joins/s, and for each core in use"), i => cluster.Client.GetGrain<ICallerGrain>(i).JoinAsync(Rooms, Time));
            }
        }
    }

    /// <summary>The share of 2,000 grains that live elsewhere after a silo has come, and after it has gone.</summary>
    public static async Task ShareAsync(string table, Report report)
    {
        foreach (var silos in new[] { 1, 2, 3 })
        {
            await using var cluster = await Cluster.StartAsync(table, silos);
            var before = await PlacesAsync(cluster.Client);
            var added = await cluster.AddSiloAsync();
            await cluster.UntilServingAsync(silos + 1);
            var after = await PlacesAsync(cluster.Client);
            var moved = before.Zip(after).Where(p => p.First != p.Second).ToArray();
            report.Add($"a silo joins {silos}: grains that moved, % / of those to others than the new one", moved.Length * 100.0 / before.Length, moved.Count(m => m.Second != added.Id));
        }
    }

    private static Task SettleAsync(Cluster cluster) => Task.WhenAll(Enumerable.Range(0, CallersEach).Select(i =>
        cluster.Client.GetGrain<ICallerGrain>(i).SettleAsync(i * (Rooms / CallersEach), Rooms / CallersEach)));

    private static async Task<int[]> PlacesAsync(IClusterClient client)
    {
        var places = new int[2_000];
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = await client.GetGrain<IEchoGrain>(i).WhereAsync();
        }

        return places;
    }

    private static async Task MeasureAsync(Cluster cluster, (Report Report, string Row)? row, Func<int, Task<CallFigures>> call)
    {
        var before = cluster.Silos.Sum(s => s.ProcessorTime.TotalSeconds);
        var figures = await Task.WhenAll(Enumerable.Range(0, CallersEach * cluster.Silos.Count).Select(call));
        var used = cluster.Silos.Sum(s => s.ProcessorTime.TotalSeconds) - before;
        var calls = figures.Sum(f => f.Calls);
        row?.Report.Add(row.Value.Row, calls / Time.TotalSeconds, calls / used);
    }
}
