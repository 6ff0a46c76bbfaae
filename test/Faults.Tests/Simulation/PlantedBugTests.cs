using System.Collections.Concurrent;
using Orleans.TestingHost;
using VoiceCluster.Faults.Tests.Checking;

namespace VoiceCluster.Faults.Tests.Simulation;

/// <summary>What the schedules would find, were it there: a bug is planted, and the checkers see it in what the clients were told.</summary>
public sealed class PlantedBugTests
{
    private const int Seeds = 4;

    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(5);

    [Fact]
    public Task Checker_PlantedStoreThatTakesOldETags_IsFound() => IsFoundAsync(PlantedBug.StoreTakesOldETags, Schedule.DrawIsolation, "one increment is lost");

    [Fact]
    public Task Checker_PlantedStoreThatDropsWrites_IsFound() => IsFoundAsync(PlantedBug.StoreDropsWrites, Quiet, "not linearizable");

    [Fact]
    public Task Checker_PlantedSiloThatForgetsAnother_IsFound() => IsFoundAsync(PlantedBug.SiloForgetsAnother, Quiet, "still answered on");

    [Fact]
    public Task Checker_PlantedTicksThatAreDropped_AreFound() => IsFoundAsync(PlantedBug.TicksAreDropped, Schedule.DrawLong, "was never told");

    /// <summary>The same schedules without a bug have nothing to be found.</summary>
    [Fact]
    public async Task Checker_NothingPlanted_FindsNothing()
    {
        Assert.Empty(await RunAsync(PlantedBug.None, Schedule.DrawIsolation));
        Assert.Empty(await RunAsync(PlantedBug.None, Quiet));
        Assert.Empty(await RunAsync(PlantedBug.None, Schedule.DrawLong));
    }

    /// <summary>Nothing goes wrong but a moment without the store.</summary>
    private static Schedule Quiet(int seed) => new(
        seed, 3, 2, TimeSpan.FromMilliseconds(200), [new Fault(FaultKind.StoreFails, TimeSpan.FromSeconds(14), TimeSpan.FromSeconds(1), 0, 1)]);

    private static async Task IsFoundAsync(PlantedBug bug, Func<int, Schedule> draw, string violation) =>
        Assert.Contains(await RunAsync(bug, draw), v => v.Contains(violation, StringComparison.Ordinal));

    /// <summary>Runs some schedules and answers what the checkers find.</summary>
    private static async Task<string[]> RunAsync(PlantedBug bug, Func<int, Schedule> draw)
    {
        var clock = new TestClock();
        var violations = new ConcurrentQueue<string>();
        await clock.RunAsync(
            () => Task.WhenAll(Enumerable.Range(1, Seeds).Select(seed => Task.Run(async () =>
            {
                var schedule = draw(seed);
                await using var cluster = new SimulatedCluster(schedule, clock, bug);
                await cluster.StartAsync();
                await cluster.RunAsync();
                await cluster.EndAsync();
                var stored = await cluster.StoredAsync();
                foreach (var violation in (string[])[.. HistoryChecker.Check(cluster.History, cluster.IsWhole, key => stored[key]), .. cluster.CheckReminders()])
                {
                    violations.Enqueue(violation);
                }
            }))),
            Grain);
        return [.. violations];
    }
}
