using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>Calls that a gateway has passed on for a client before it leaves; on a clock that runs as fast as the silos keep up.</summary>
[Collection(OneClock.Name)]
public sealed class LeavingGatewayTests
{
    private const int Keys = 8;

    private readonly TestClock _clock = new();
    private readonly string _run = Guid.NewGuid().ToString("N");

    [Fact]
    public Task Calls_ThatALeavingGatewayHasPassedOn_AreAnsweredThoughTheyTakeLong() => RunAsync(async cluster =>
    {
        var hold = TimeSpan.FromSeconds(12);
        var keys = await FindAsync(cluster);
        var since = _clock.GetTimestamp();
        var calls = keys.Select(k => cluster.Client.GetGrain<IBusyGrain>(k).HoldAsync(_run, hold)).ToArray();
        await PassAsync(1);

        await cluster.StopSiloAsync(cluster.Silos[0]);
        await Task.WhenAll(calls);

        // Some of them went through it: else it would not have had to wait.
        Assert.InRange(_clock.GetElapsedTime(since), hold, hold * 1.5);
    });

    [Fact]
    public Task Silo_ThatLeavesWhileAnAnswerNeverComes_StopsAtTheLimitAndItsCallerIsTold() => RunAsync(
        async cluster =>
        {
            var keys = await FindAsync(cluster);
            var calls = keys.Select(k => cluster.Client.GetGrain<IPlaceGrain>(k).NeverAsync()).ToArray();
            await PassAsync(1);
            var since = _clock.GetTimestamp();

            await cluster.StopSiloAsync(cluster.Silos[0]);

            Assert.InRange(_clock.GetElapsedTime(since), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(15));
            await PassAsync(1);
            var told = calls.Where(c => c.IsCompleted).ToArray();
            Assert.Equal(Keys / 2, told.Length);
            Assert.All(told, c => Assert.IsType<SiloUnavailableException>(c.Exception!.InnerException));
        },
        TimeSpan.FromSeconds(10));

    /// <summary>It does not know that the silo leaves, and so it stays; it has no call under way.</summary>
    [Fact]
    public Task Silo_ThatLeavesWhileAClientIsSilent_StopsSoon() => RunAsync(async cluster =>
    {
        await FindAsync(cluster);
        var leaving = cluster.Silos[0];
        cluster.Network.Cut(cluster.Client, leaving.SiloAddress);
        var since = _clock.GetTimestamp();

        await cluster.StopSiloAsync(leaving);

        Assert.InRange(_clock.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    });

    /// <summary>Grains that live in the silo which takes no clients: every other call to them goes through the first gateway.</summary>
    private static async Task<long[]> FindAsync(InProcessTestCluster cluster)
    {
        var found = new List<long>();
        for (var key = 0L; found.Count < Keys; key++)
        {
            if ((await cluster.Client.GetGrain<IPlaceGrain>(key).WhereAsync("who?")).Silo == "Silo_2"
                && await cluster.Client.GetGrain<IBusyGrain>(key).PingAsync("") == "Silo_2")
            {
                found.Add(key);
            }
        }

        return [.. found];
    }

    private Task PassAsync(int seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), _clock);

    private Task RunAsync(Func<InProcessTestCluster, Task> test, TimeSpan? responseTimeout = null) => _clock.RunAsync(
        async () =>
        {
            var builder = new InProcessTestClusterBuilder(3);
            builder.Options.TimeProvider = _clock;
            builder.ConfigureSilo((options, silo) =>
            {
                silo.Services.AddSingleton(new BusyGrain.ClusterName(_run));
                if (responseTimeout is { } limit)
                {
                    silo.Configure<SiloMessagingOptions>(o => o.ResponseTimeout = limit);
                }

                if (options.SiloName == "Silo_2")
                {
                    silo.Configure<EndpointOptions>(o => (o.GatewayPort, o.GatewayListeningEndpoint) = (0, null));
                }
            });
            await using var cluster = builder.Build();
            await cluster.DeployAsync();
            await test(cluster);
        },
        TimeSpan.FromMilliseconds(1));
}
