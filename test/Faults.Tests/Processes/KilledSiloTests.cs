using VoiceCluster.Faults.Grains;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>What the callers of a killed silo see, with the shipped settings. That it is soon is shown on a clock that tests move, and measured.</summary>
[Collection(RealServers.Name)]
public sealed class KilledSiloTests(ServerFixture servers)
{
    private const int Callers = 8;

    /// <summary>Calls of each caller that must be answered after the kill.</summary>
    private const int Enough = 100;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Whoever waits for that fails the test by its deadline.</summary>
    private static readonly TimeSpan Never = TimeSpan.FromHours(1);

    [Fact]
    public async Task Calls_InFlightToAKilledSilo_FailWithoutTheirTimeOut()
    {
        await using var cluster = new ProcessCluster(servers, silos: 3, onRedis: false, network: null, TimeSpan.Zero) { ResponseTimeout = Never };
        await cluster.StartAsync();
        var silo = cluster.Living.First().Silo;
        var keys = await FindKeysAsync(cluster, silo);
        cluster.Database.Hang();
        var calls = keys.Select(k => cluster.Client.GetGrain<ICounterGrain>(k).IncrementAsync()).ToArray();

        await silo.SignalAsync("KILL");

        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<SiloUnavailableException>(() => call.WaitAsync(Deadline));
        }

        cluster.Database.GoOn();
    }

    /// <summary>The grains live behind two gateways, in a silo that takes no clients. No call may hang with the gateway that dies.</summary>
    [Fact]
    public async Task Client_WhoseGatewayIsKilled_GoesOnThroughAnother()
    {
        await using var cluster = new ProcessCluster(servers, silos: 3, onRedis: false, network: null, TimeSpan.Zero)
        {
            ResponseTimeout = Never,
            SettingsAt = place => place == 2 ? new Dictionary<string, string> { ["NO_GATEWAY"] = "true" } : new Dictionary<string, string>(),
        };
        await cluster.StartAsync();
        var keys = await FindKeysAsync(cluster, cluster.At(2));
        var isKilled = false;
        var answered = 0;
        var calls = Enumerable.Range(0, Callers).Select(i => Task.Run(async () =>
        {
            var failures = new List<Exception>();
            for (var after = 0; after < Enough;)
            {
                var asked = Volatile.Read(ref isKilled);
                try
                {
                    await cluster.Client.GetGrain<ICounterGrain>(keys[i % keys.Length]).ReadAsync().WaitAsync(Deadline);
                    Interlocked.Increment(ref answered);
                    after += asked ? 1 : 0;
                }
                catch (OrleansException e)
                {
                    failures.Add(e);
                }
            }

            return failures;
        })).ToArray();

        var since = TimeProvider.System.GetTimestamp();
        while (Volatile.Read(ref answered) < Callers * Enough)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Deadline, "The grains do not answer before anything is wrong.");
            await Task.Delay(5);
        }

        await cluster.At(0).SignalAsync("KILL");
        Volatile.Write(ref isKilled, true);

        // Of those in flight nobody knows whether they were done; each caller had one.
        var failed = (await Task.WhenAll(calls)).SelectMany(f => f).ToArray();
        Assert.All(failed, e => Assert.IsType<SiloUnavailableException>(e));
        Assert.True(failed.Length <= Callers, $"{failed.Length} calls of {Callers} callers failed, the last one: {failed.LastOrDefault()}");
    }

    /// <summary>Keys of counters that live in a silo.</summary>
    private static async Task<string[]> FindKeysAsync(ProcessCluster cluster, SiloProcess silo)
    {
        var keys = new List<string>();
        for (var i = 0; i < 60; i++)
        {
            var key = $"counter-killed-{i}";
            if ((await cluster.Client.GetGrain<ICounterGrain>(key).IncrementAsync().WaitAsync(Deadline)).Silo == silo.Name)
            {
                keys.Add(key);
            }
        }

        Assert.NotEmpty(keys);
        return [.. keys];
    }
}
