using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

public interface IBusyGrain : IGrainWithIntegerKey
{
    Task HoldAsync(string run, TimeSpan time);

    Task<string> PingAsync(string run);

    Task<string> HoldThenAskAsync(string run, TimeSpan time, long other);
}

/// <summary>Notes when it is activated twice at a time.</summary>
public sealed class BusyGrain(IGrainRuntime runtime, TimeProvider time) : Grain, IBusyGrain
{
    private static readonly ConcurrentDictionary<(string Cluster, long Key), int> Running = new();

    internal static ConcurrentQueue<(string Cluster, long Key)> Twice { get; } = new();

    private (string, long) Id => (ServiceProvider.GetRequiredService<ClusterName>().Value, this.GetPrimaryKeyLong());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (Running.AddOrUpdate(Id, 1, static (_, n) => n + 1) > 1)
        {
            Twice.Enqueue(Id);
        }

        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Running.AddOrUpdate(Id, 0, static (_, n) => n - 1);
        return Task.CompletedTask;
    }

    public Task HoldAsync(string run, TimeSpan hold) => Task.Delay(hold, time);

    public Task<string> PingAsync(string run) => Task.FromResult(runtime.SiloIdentity);

    public async Task<string> HoldThenAskAsync(string run, TimeSpan hold, long other)
    {
        await Task.Delay(hold, time);
        return await GrainFactory.GetGrain<IBusyGrain>(other).PingAsync(run);
    }

    internal sealed record ClusterName(string Value);
}

/// <summary>Whose a grain is while silos come, go, and lose each other; on a clock that runs as fast as they keep up.</summary>
[Collection(OneClock.Name)]
public sealed class ShareTests
{
    private const int Grains = 80;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly TestClock _clock = new();
    private readonly string _name = Guid.NewGuid().ToString("N");

    /// <summary>The second silo gains grains that the first still runs, and hands them on to the third.</summary>
    [Fact]
    public Task Silos_ThatJoinWhileGrainsAreBusy_NeverRunOneTwice() => RunAsync(async () =>
    {
        await using var cluster = Build(1);
        await cluster.DeployAsync();
        var holds = Enumerable.Range(0, Grains).Select(i => cluster.Client.GetGrain<IBusyGrain>(i).HoldAsync(_name, TimeSpan.FromSeconds(6))).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(1), _clock);
        await cluster.StartAdditionalSiloAsync();
        await cluster.StartAdditionalSiloAsync();
        await cluster.WaitForLivenessToStabilizeAsync();

        var places = await Task.WhenAll(Enumerable.Range(0, Grains).Select(i => cluster.Client.GetGrain<IBusyGrain>(i).PingAsync(_name)));
        await Task.WhenAll(holds);

        Assert.Equal(3, places.Distinct().Count());
        Assert.DoesNotContain(BusyGrain.Twice, t => t.Cluster == _name);
    });

    [Fact]
    public Task Silos_ThatLeaveWhileOthersJoin_NeverRunOneTwice() => RunAsync(async () =>
    {
        await using var cluster = Build(3);
        await cluster.DeployAsync();
        using var stop = new CancellationTokenSource();
        var asking = Enumerable.Range(0, 4).Select(n => Task.Run(async () =>
        {
            for (var i = n; !stop.IsCancellationRequested; i++)
            {
                await cluster.Client.GetGrain<IBusyGrain>(i % Grains).PingAsync(_name);
                await Task.Delay(TimeSpan.FromMilliseconds(10), _clock);
            }
        })).ToArray();

        // As a rolling upgrade does.
        for (var i = 0; i < 3; i++)
        {
            var leaving = cluster.Silos[0];
            await Task.WhenAll(cluster.StopSiloAsync(leaving), cluster.StartAdditionalSiloAsync());
            await cluster.WaitForLivenessToStabilizeAsync();
        }

        await stop.CancelAsync();
        await Task.WhenAll(asking);
        Assert.DoesNotContain(BusyGrain.Twice, t => t.Cluster == _name);
    });

    /// <summary>A grain whose end waits for a call of its own holds up neither the others nor that call.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task Silo_WithABusyGrain_HandsTheOthersOverAtOnce(bool leaves) => RunAsync(async () =>
    {
        await using var cluster = Build((short)(leaves ? 2 : 1));
        await cluster.DeployAsync();
        var before = await Task.WhenAll(Enumerable.Range(0, Grains).Select(i => cluster.Client.GetGrain<IBusyGrain>(i).PingAsync(_name)));
        var hold = TimeSpan.FromSeconds(4);
        var since = _clock.GetTimestamp();
        Task<string>[] holding;
        Task moving;
        if (leaves)
        {
            var leaving = cluster.Silos[1];
            int[] own = [.. Enumerable.Range(0, Grains).Where(i => before[i] == leaving.Name)];
            holding = [cluster.Client.GetGrain<IBusyGrain>(own.First(i => i % 2 == 0)).HoldThenAskAsync(_name, hold, own.First(i => i % 2 == 1))];
            await Task.Delay(TimeSpan.FromMilliseconds(10), _clock);
            moving = cluster.StopSiloAsync(leaving);
        }
        else
        {
            // Which grains the new silo gains is not known yet: every other one is busy, and asks its neighbour in the end.
            holding = [.. Enumerable.Range(0, Grains / 2).Select(i => cluster.Client.GetGrain<IBusyGrain>(2 * i).HoldThenAskAsync(_name, hold, (2 * i) + 1))];
            moving = cluster.StartAdditionalSiloAsync();
        }

        HashSet<int> moved = [];
        while (moved.Count == 0 || _clock.GetElapsedTime(since) < hold / 2)
        {
            foreach (var i in Enumerable.Range(0, Grains / 2).Select(i => (2 * i) + 1))
            {
                var place = await cluster.Client.GetGrain<IBusyGrain>(i).PingAsync(_name);
                if (place != before[i] && moved.Add(i))
                {
                    Assert.True(_clock.GetElapsedTime(since) < hold, "It has waited for the busy one.");
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), _clock);
        }

        Assert.DoesNotContain(holding, h => h.IsCompleted);
        await Task.WhenAll(holding);
        await moving;
        Assert.True(_clock.GetElapsedTime(since) < hold * 1.5, "The end of the busy one has waited for its own call.");
        Assert.DoesNotContain(BusyGrain.Twice, t => t.Cluster == _name);
    });

    [Fact]
    public Task Silos_TwoThatLoseEachOther_ExactlyOneIsLeft() => RunAsync(async () =>
    {
        for (var round = 0; round < 5; round++)
        {
            await using var cluster = Build(2);
            await cluster.DeployAsync();
            var silos = cluster.Silos;
            cluster.Network.Cut(silos[0].SiloAddress, silos[1].SiloAddress);
            await UntilAsync(() => silos.Any(s => s.HasEnded));
            await Task.Delay(TimeSpan.FromSeconds(30), _clock);
            Assert.Single(silos, s => !s.HasEnded);
        }
    });

    [Fact]
    public Task Silos_OneThatLosesTheOthers_IsTheOneThatEnds() => RunAsync(async () =>
    {
        for (var round = 0; round < 3; round++)
        {
            await using var cluster = Build(3);
            await cluster.DeployAsync();
            var silos = cluster.Silos;
            cluster.Network.Partition([silos[round].SiloAddress], silos.Where(s => s != silos[round]).Select(s => s.SiloAddress));
            await UntilAsync(() => silos.Any(s => s.HasEnded));
            await Task.Delay(TimeSpan.FromSeconds(30), _clock);
            Assert.True(silos[round].HasEnded);
            Assert.Equal(2, silos.Count(s => !s.HasEnded));
        }
    });

    private Task RunAsync(Func<Task> test) => _clock.RunAsync(test, TimeSpan.FromMilliseconds(1));

    private async Task UntilAsync(Func<bool> condition)
    {
        for (var since = _clock.GetTimestamp(); !condition();)
        {
            Assert.True(_clock.GetElapsedTime(since) < Limit, "One silo ends.");
            await Task.Delay(TimeSpan.FromMilliseconds(10), _clock);
        }
    }

    private InProcessTestCluster Build(short silos)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.TimeProvider = _clock;
        builder.Options.UseClustering = true;
        builder.ConfigureSilo((_, silo) => silo.Services.AddSingleton(new BusyGrain.ClusterName(_name)));
        return builder.Build();
    }
}
