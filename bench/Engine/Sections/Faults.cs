using System.Diagnostics;
using Orleans.Runtime;
using VoiceCluster.Bench.Engine.Grains;
using VoiceCluster.Bench.Engine.Processes;

namespace VoiceCluster.Bench.Engine.Sections;

/// <summary>Silos that are killed or stand still, with the settings as shipped: how long until others serve. Times are ms.</summary>
internal static class Faults
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    /// <summary>Longer than it takes to declare a silo dead that stands still.</summary>
    private static readonly TimeSpan GatewayTime = TimeSpan.FromSeconds(8);

    public static async Task RunAsync(string table, int rounds, Report report)
    {
        foreach (var silos in new[] { 2, 3 })
        {
            for (var i = 0; i < rounds; i++)
            {
                await using var cluster = await Cluster.StartAsync(table, silos);
                await MeasureAsync(cluster, report, $"kill -9 of one of {silos} silos", static silo => silo.Kill());
            }

            for (var i = 0; i < rounds; i++)
            {
                await using var cluster = await Cluster.StartAsync(table, silos);
                await MeasureAsync(cluster, report, $"SIGSTOP of one of {silos} silos", static silo => silo.Pause());
                await GoOnAsync(cluster.Silos[1], report, silos);
            }
        }

        foreach (var (name, harm) in ((string, Action<Child>)[])[("kill -9", static s => s.Kill()), ("SIGSTOP", static s => s.Pause())])
        {
            for (var i = 0; i < rounds; i++)
            {
                // The first two take clients; the grains are those of the third.
                await using var cluster = await Cluster.StartAsync(table, silos: 3, inner: 1);
                await MeasureGatewayAsync(cluster, report, $"{name} of one of 2 gateways", harm);
            }
        }
    }

    /// <summary>The grains that are called live behind the gateways, so that half of the calls go through the one that is harmed.</summary>
    private static async Task MeasureGatewayAsync(Cluster cluster, Report report, string name, Action<Child> harm)
    {
        var keys = await cluster.EchoKeysAsync(cluster.Silos[2], 32);
        await Task.Delay(500);
        var since = Stopwatch.GetTimestamp();
        harm(cluster.Silos[0]);
        var callers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => UntilAnsweredAsync(cluster.Client, keys, since)));
        report.Add($"{name}: longest until a call or the ones after it are answered", callers.Max(c => c.Longest));
        report.Add($"{name}: calls of 8 callers that failed", callers.Sum(c => c.Failed));
        report.Add($"{name}: calls of 8 callers that were answered, in {GatewayTime.TotalSeconds:f0} s", callers.Sum(c => c.Answered));
    }

    /// <summary>Calls one grain after the other; one that failed is called again at once, and that counts as one wait.</summary>
    private static async Task<(double Longest, int Failed, int Answered)> UntilAnsweredAsync(IClusterClient client, long[] keys, long since)
    {
        var (longest, failed, answered) = (0.0, 0, 0);
        while (Stopwatch.GetElapsedTime(since) < GatewayTime)
        {
            var start = Stopwatch.GetTimestamp();
            for (var isAnswered = false; !isAnswered;)
            {
                try
                {
                    await client.GetGrain<IEchoGrain>(keys[answered % keys.Length]).WhereAsync();
                    isAnswered = true;
                }
                catch (Exception e) when (e is OrleansException or TimeoutException)
                {
                    failed++;
                }
            }

            answered++;
            longest = Math.Max(longest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            await Task.Delay(1);
        }

        return (longest, failed, answered);
    }

    private static async Task MeasureAsync(Cluster cluster, Report report, string name, Action<Child> harm)
    {
        var victim = cluster.Silos[1];
        var lost = await cluster.EchoKeysAsync(victim, 32);
        var kept = await cluster.EchoKeysAsync(cluster.Silos[0], 32);
        var callers = await cluster.CallerKeysAsync(cluster.Silos[0], 1);

        // From the client, and from a grain of the silo that lives on.
        Task[] hanging =
        [
            cluster.Client.GetGrain<IEchoGrain>(lost[0]).WaitAsync(TimeSpan.FromMinutes(2)),
            cluster.Client.GetGrain<ICallerGrain>(callers[0]).RunAsync([lost[1]], 0, TimeSpan.FromMinutes(2)),
        ];
        await Task.Delay(500);

        var since = Stopwatch.GetTimestamp();
        harm(victim);
        var inFlight = Task.WhenAll(hanging.Select(h => EndedAsync(h, since)));
        var others = EveryCallAsync(cluster.Client, kept, since);
        var declared = DeclaredDeadAsync(cluster.Client, cluster.Silos.Count, since);
        var again = await Task.WhenAll(lost.Select(key => AnswersAsync(cluster.Client, key, victim, since)));
        report.Add($"{name}: declared dead", await declared);
        report.Add($"{name}: its grains answer, first / last", again.Min(), again.Max());
        report.Add($"{name}: calls in flight have failed, last", (await inFlight).Max());
        report.Add($"{name}: longest call of a grain of another silo, straight to it", await others);
    }

    /// <summary>A silo that goes on after the others have declared it dead ends by itself.</summary>
    private static async Task GoOnAsync(Child silo, Report report, int silos)
    {
        var since = Stopwatch.GetTimestamp();
        silo.Continue();
        while (!silo.HasExited && Stopwatch.GetElapsedTime(since) < Limit)
        {
            await Task.Delay(5);
        }

        report.Add($"SIGCONT of it: has ended itself, of {silos} silos", Stopwatch.GetElapsedTime(since).TotalMilliseconds);
    }

    private static async Task<double> EndedAsync(Task call, long since)
    {
        await call.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
    }

    /// <summary>Calls until another silo answers. A call that hangs is not waited for: another is sent each 100 ms.</summary>
    private static async Task<double> AnswersAsync(IClusterClient client, long key, Child victim, long since)
    {
        var answered = new TaskCompletionSource<double>(TaskCreationOptions.RunContinuationsAsynchronously);
        while (!answered.Task.IsCompleted && Stopwatch.GetElapsedTime(since) < Limit)
        {
            _ = TryAsync();
            await Task.WhenAny(answered.Task, Task.Delay(100));
        }

        return answered.Task.IsCompleted ? await answered.Task : double.PositiveInfinity;

        async Task TryAsync()
        {
            try
            {
                if (await client.GetGrain<IEchoGrain>(key).WhereAsync() != victim.Id)
                {
                    answered.TrySetResult(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
                }
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                // Not yet; the next try says more.
            }
        }
    }

    /// <summary>Calls grains of the silo that lives on for 3 s, one after the other. A client calls each grain at its own silo, so these do not touch the dead one.</summary>
    private static async Task<double> EveryCallAsync(IClusterClient client, long[] keys, long since)
    {
        var longest = 0.0;
        for (var i = 0; Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(3); i++)
        {
            var start = Stopwatch.GetTimestamp();
            await client.GetGrain<IEchoGrain>(keys[i % keys.Length]).WhereAsync();
            longest = Math.Max(longest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            await Task.Delay(1);
        }

        return longest;
    }

    private static async Task<double> DeclaredDeadAsync(IClusterClient client, int silos, long since)
    {
        var management = client.GetGrain<IManagementGrain>(0);
        while (Stopwatch.GetElapsedTime(since) < Limit)
        {
            try
            {
                var hosts = await management.GetHosts(onlyActive: true).WaitAsync(TimeSpan.FromMilliseconds(300));
                if (hosts.Count < silos)
                {
                    return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
                }
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                // The grain itself may have lived there.
            }

            await Task.Delay(20);
        }

        return double.PositiveInfinity;
    }
}
