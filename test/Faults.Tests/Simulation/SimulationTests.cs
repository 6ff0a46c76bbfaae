using System.Collections.Concurrent;
using System.Globalization;
using Orleans.TestingHost;
using VoiceCluster.Faults.Tests.Checking;
using Xunit.Abstractions;

namespace VoiceCluster.Faults.Tests.Simulation;

/// <summary>
/// Many schedules, each in a cluster of its own in this process, on one clock that runs as fast as the machine keeps up.
/// ./faults.sh runs more of them, or one again.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Side = 8;
    private const int MaxFailures = 5;

    /// <summary>After the last fault every client gets every answer within this.</summary>
    private static readonly TimeSpan RecoveryLimit = TimeSpan.FromSeconds(30);

    /// <summary>By then every silo has looked again at what it took over.</summary>
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(40);

    /// <summary>All of it ends within this, counted from the last fault.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(5);

    private static int Schedules => Setting("VOICECLUSTER_FAULT_SCHEDULES", 200);

    private static int Seed => Setting("VOICECLUSTER_SEED", 2026);

    [Fact]
    public Task Schedules_OfManySeeds_LoseNothingAndRecover() => RunAllAsync(Schedules, Schedule.Draw);

    /// <summary>The worst for a store that is guarded by ETags alone: a false twin that goes on to write.</summary>
    [Fact]
    public Task Schedules_OfASiloThatReachesOnlyTheStore_LeaveNoOldValueBehind() => RunAllAsync((Schedules + 9) / 10, Schedule.DrawIsolation);

    /// <summary>A tick may come twice when a silo dies, but it comes.</summary>
    [Fact]
    public Task Schedules_WithReminders_TellEachTickAtLeastOnce() => RunAllAsync((Schedules + 9) / 10, Schedule.DrawLong);

    private async Task RunAllAsync(int count, Func<int, Schedule> draw)
    {
        var seeds = new ConcurrentQueue<int>(Enumerable.Range(Seed, count));
        var failures = new ConcurrentQueue<string>();
        var recoveries = new ConcurrentBag<TimeSpan>();
        var operations = 0;
        var clock = new TestClock();
        await clock.RunAsync(
            () => Task.WhenAll(Enumerable.Range(0, Math.Min(Side, count)).Select(_ => Task.Run(async () =>
            {
                while (failures.Count < MaxFailures && seeds.TryDequeue(out var seed))
                {
                    var (failure, recovery, asked) = await RunAsync(draw(seed), clock);
                    recoveries.Add(recovery);
                    Interlocked.Add(ref operations, asked);
                    if (failure is not null)
                    {
                        failures.Enqueue(failure);
                    }
                }
            }))),
            Grain);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{recoveries.Count} schedules from seed {Seed}, {operations} operations, longest recovery {recoveries.Max().TotalSeconds:f1} s, median {recoveries.Order().ElementAt(recoveries.Count / 2).TotalSeconds:f1} s"));
        Assert.True(failures.IsEmpty, string.Join("\n\n", failures));
    }

    private static async Task<(string? Failure, TimeSpan Recovery, int Operations)> RunAsync(Schedule schedule, TestClock clock)
    {
        await using var cluster = new SimulatedCluster(schedule, clock);
        string[] violations;
        var recovery = TimeSpan.Zero;
        try
        {
            (recovery, violations) = await JudgeAsync(cluster).WaitAsync(schedule.End + Patience, clock);
        }
        catch (Exception e)
        {
            violations = [e.ToString()];
        }

        var failure = violations.Length == 0
            ? null
            : $"""
              {schedule}
              {string.Join('\n', cluster.Events)}
              {string.Join('\n', violations)}
              Again: ./faults.sh 1 {schedule.Seed}
              """;
        return (failure, recovery, cluster.History.Length);
    }

    private static async Task<(TimeSpan Recovery, string[] Violations)> JudgeAsync(SimulatedCluster cluster)
    {
        await cluster.StartAsync();
        await cluster.RunAsync();
        var recovery = await cluster.RecoverAsync(RecoveryLimit);
        await cluster.SettleAsync(SettleTime);
        await cluster.ReadAllAsync();
        var stored = await cluster.StoredAsync();
        return (recovery, [.. HistoryChecker.Check(cluster.History, cluster.IsWhole, key => stored[key]), .. cluster.CheckReminders()]);
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
