using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using VoiceCluster.Faults.History;
using VoiceCluster.Faults.Workload;
using Xunit.Abstractions;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>Silos as processes, with real signals, a real network, a real Redis and a real PostgreSQL.</summary>
[Collection(RealServers.Name)]
public sealed class ProcessTests(ServerFixture servers, ITestOutputHelper output)
{
    private const int Silos = 3;
    private const int Lanes = 3;

    /// <summary>Shorter than shipped, so that schedules are short.</summary>
    private static readonly TimeSpan Probe = TimeSpan.FromMilliseconds(300);

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private static int Schedules => Setting("VOICECLUSTER_FAULT_PROCESS_SCHEDULES", 12);

    private static int Seed => Setting("VOICECLUSTER_SEED", 2026);

    [Fact]
    public Task Schedules_OfSignals_LoseNothingAndRecover() => RunAllAsync((Schedules + 1) / 2, hasNetwork: false);

    [NetworkFact]
    public Task Schedules_OfSignalsAndNetworks_LoseNothingAndRecover() => RunAllAsync(Schedules, hasNetwork: true);

    /// <summary>With the shipped settings: out within 10 s, its calls fail before that, and no word from it when it goes on.</summary>
    [Fact]
    public async Task Silo_StoppedBySigstop_IsOutAndSaysNothingMoreWhenItGoesOn()
    {
        await using var cluster = new ProcessCluster(servers, Silos, onRedis: true, network: null, TimeSpan.Zero);
        await cluster.StartAsync();
        using var log = new OperationLog();
        var folder = Directory.CreateTempSubdirectory("voicecluster-faults-");
        var outside = new WorkloadClient("outside", 99, cluster.Client, log, TimeProvider.System, 1, "stopped-");
        foreach (var key in outside.AllKeys)
        {
            await AskUntilAsync(outside, key, key.StartsWith("counter", StringComparison.Ordinal) ? OperationKind.Increment : OperationKind.Write);
        }

        var (place, silo) = cluster.Living.First(s => log.Operations.Any(o => o.Note == s.Silo.Name));
        var key0 = log.Operations.First(o => o.Note == silo.Name).Key;
        await silo.AskAsync($"begin stopped- 7 {place} 1 {Path.Combine(folder.FullName, "log")}", Deadline);

        await silo.SignalAsync("STOP");
        var since = Stopwatch.GetTimestamp();
        var inFlight = outside.AskAsync(key0, OperationKind.Read);
        while (await cluster.CountActiveAsync() != Silos - 1)
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < Deadline, "The silo is not declared dead.");
        }

        var outAfter = Stopwatch.GetElapsedTime(since);
        await inFlight;
        var failedAfter = Stopwatch.GetElapsedTime(since);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"out after {outAfter.TotalSeconds:f1} s, the call in flight had ended after {failedAfter.TotalSeconds:f1} s"));
        Assert.True(outAfter < TimeSpan.FromSeconds(10), $"The silo was out after {outAfter}.");
        Assert.True(failedAfter < TimeSpan.FromSeconds(15), $"The call in flight ended after {failedAfter}.");

        // Everything is written anew elsewhere: whatever the silo says now would be old.
        foreach (var key in outside.AllKeys)
        {
            await AskUntilAsync(outside, key, key.StartsWith("counter", StringComparison.Ordinal) ? OperationKind.Increment : OperationKind.Write);
        }

        var went = Stopwatch.GetTimestamp();
        await silo.SignalAsync("CONT");
        await silo.WaitForExitAsync(Deadline);

        Operation[] history = [.. log.Operations, .. OperationLog.Read(Path.Combine(folder.FullName, "log"))];
        Assert.DoesNotContain(history, o => o.Note == silo.Name && o.Outcome == Outcome.Ok && o.Invoked > went);
        Assert.Empty(Checking.HistoryChecker.Check([.. history.Where(o => o.Note != silo.Name || o.Returned < went)], isWhole: true, stored: null));
        folder.Delete(recursive: true);
    }

    private static async Task AskUntilAsync(WorkloadClient client, string key, OperationKind kind)
    {
        var since = Stopwatch.GetTimestamp();
        while (!await client.AskAsync(key, kind))
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < Deadline, $"{key} does not answer.");
            await Task.Delay(50);
        }
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private async Task RunAllAsync(int count, bool hasNetwork)
    {
        var seeds = new ConcurrentQueue<int>(Enumerable.Range(Seed, count));
        var failures = new ConcurrentQueue<string>();
        var recoveries = new ConcurrentBag<TimeSpan>();
        var operations = 0;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(Lanes, count)).Select(async lane =>
        {
            // Servers of its own: they die in some schedules.
            var own = new ServerFixture();
            await own.InitializeAsync();
            try
            {
                var network = hasNetwork ? new NetworkNamespaces(ProcessSchedule.MaxSilos + ProcessSchedule.MaxFaults) : null;
                await using var cluster = new ProcessCluster(own, Silos, onRedis: lane % 2 == 0, network, Probe);
                await cluster.StartAsync();
                while (failures.IsEmpty && seeds.TryDequeue(out var seed))
                {
                    var run = new ProcessRun(cluster, ProcessSchedule.Draw(seed, hasNetwork));
                    if (await run.RunAsync() is { } failure)
                    {
                        failures.Enqueue(failure);
                    }

                    recoveries.Add(run.Recovery);
                    Interlocked.Add(ref operations, run.History.Length);
                }
            }
            finally
            {
                await own.DisposeAsync();
            }
        }));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{recoveries.Count} schedules from seed {Seed}, {operations} operations, longest recovery {recoveries.Max().TotalSeconds:f1} s, median {recoveries.Order().ElementAt(recoveries.Count / 2).TotalSeconds:f1} s"));
        Assert.True(failures.IsEmpty, string.Join("\n\n", failures));
    }
}
