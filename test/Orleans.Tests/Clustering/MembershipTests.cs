using Orleans.Configuration;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>Who is declared dead and when, on a clock that runs as fast as the silos keep up, with the shipped settings.</summary>
[Collection(OneClock.Name)]
public sealed class MembershipTests
{
    private const int Grains = 40;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly TestClock _clock = new();
    private readonly InMemoryMembershipTable _table = new();

    [Fact]
    public Task Silos_TwoThatLoseEachOther_BothStayWhileAThirdReachesThem() => RunAsync(Build(), async cluster =>
    {
        var silos = cluster.Silos;
        cluster.Network.Cut(silos[0].SiloAddress, silos[1].SiloAddress);
        await PassAsync(Minute * 3);

        Assert.All(silos, s => Assert.False(s.HasEnded));
        Assert.All((await RowsAsync()).Values, r => Assert.Equal(SiloStatus.Active, r.Status));
        Assert.All((await RowsAsync()).Values, r => Assert.Empty(r.SuspectTimes ?? []));
    });

    /// <summary>The other half of it: the third one's look is what keeps both.</summary>
    [Fact]
    public Task Silos_TwoThatLoseEachOtherWithoutIndirectProbes_AreNotBothKept() => RunAsync(
        Build(o => o.EnableIndirectProbes = false),
        async cluster =>
        {
            var silos = cluster.Silos;
            cluster.Network.Cut(silos[0].SiloAddress, silos[1].SiloAddress);
            await PassAsync(Minute * 3);

            Assert.Single(silos, s => s.HasEnded);
            Assert.False(silos[2].HasEnded);
        });

    [Fact]
    public Task Rows_OfDeadSilos_StayForTheirTimeAndAreThenRemoved() => RunAsync(
        Build(o => (o.DefunctSiloExpiration, o.DefunctSiloCleanupPeriod) = (Minute * 10, Minute * 2)),
        async cluster =>
        {
            var killed = cluster.Silos[1].SiloAddress;
            await cluster.KillSiloAsync(cluster.Silos[1]);
            await PassAsync(Minute * 9);
            Assert.Equal(SiloStatus.Dead, (await RowsAsync())[killed].Status);

            await PassAsync(Minute * 4);
            var left = await RowsAsync();
            Assert.DoesNotContain(killed, left.Keys);
            Assert.Equal(cluster.Silos.Select(s => s.SiloAddress).ToHashSet(), left.Keys.ToHashSet());
            Assert.All(left.Values, r => Assert.Equal(SiloStatus.Active, r.Status));
        });

    /// <summary>Others count their votes only while they say so.</summary>
    [Fact]
    public Task Rows_OfSilosThatLive_SayAgainAndAgainThatTheyDo() => RunAsync(Build(), async cluster =>
    {
        // As often as it is written, or looked whether it is time to: with the shipped settings.
        var options = new ClusterMembershipOptions();
        var oldest = options.IAmAliveTablePublishTimeout + options.TableRefreshTimeout + TimeSpan.FromSeconds(1);
        for (var i = 0; i < 30; i++)
        {
            await PassAsync(Minute / 6);
            var now = _clock.GetUtcNow().UtcDateTime;
            Assert.All((await RowsAsync()).Values, r => Assert.InRange(now - r.IAmAliveTime, TimeSpan.Zero, oldest));
        }
    });

    /// <summary>By then each could long have been taken for one whose vote is not needed.</summary>
    [Fact]
    public Task Silo_ThatLosesTheOthersAfterLong_IsTheOneThatEnds() => RunAsync(Build(), async cluster =>
    {
        await PassAsync(Minute * 10);
        var silos = cluster.Silos;
        cluster.Network.Partition([silos[0].SiloAddress], [silos[1].SiloAddress, silos[2].SiloAddress]);
        await PassAsync(Minute * 2);

        Assert.Equal([true, false, false], silos.Select(s => s.HasEnded));
    });

    /// <summary>Its vote alone is not enough before those that could vote have said nothing for long.</summary>
    [Fact]
    public Task Silo_TheLastOfFour_TakesTheGrainsOfTheOthersWhenTheyHaveSaidNothingForLong() => RunAsync(Build(silos: 4), async cluster =>
    {
        var last = cluster.Silos[0];
        await Task.WhenAll(cluster.Silos.Skip(1).Select(cluster.KillSiloAsync));
        await PassAsync(Minute / 2);
        Assert.Contains((await RowsAsync()).Values, r => r.SiloAddress != last.SiloAddress && r.Status == SiloStatus.Active);

        await PassAsync(Minute * 2);
        Assert.All((await RowsAsync()).Values, r => Assert.Equal(r.SiloAddress == last.SiloAddress ? SiloStatus.Active : SiloStatus.Dead, r.Status));
        Assert.All(await AskAllAsync(cluster.Client), p => Assert.Equal(last.Name, p.Silo));
    });

    [Fact]
    public Task Calls_InFlightToAKilledSilo_HaveFailedWithinThreeSeconds() => RunAsync(Build(), async cluster =>
    {
        var killed = cluster.Silos[1];
        var calls = await HangAsync(cluster, killed);
        var since = _clock.GetTimestamp();

        await cluster.KillSiloAsync(killed);

        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<SiloUnavailableException>(() => call);
        }

        Assert.InRange(_clock.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(3));
    });

    /// <summary>As one that was stopped by SIGSTOP: its connections stay open.</summary>
    [Fact]
    public Task Calls_InFlightToASilentSilo_HaveFailedWithinTenSeconds() => RunAsync(Build(), async cluster =>
    {
        var silent = cluster.Silos[1];
        var calls = await HangAsync(cluster, silent);
        var since = _clock.GetTimestamp();

        cluster.Network.Partition([silent.SiloAddress], cluster.Silos.Where(s => s != silent).Select(s => s.SiloAddress));
        cluster.Network.Cut(cluster.Client, silent.SiloAddress);

        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<SiloUnavailableException>(() => call);
        }

        Assert.InRange(_clock.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(10));
    });

    /// <summary>The grains live in a silo that takes no clients, behind two that do.</summary>
    [Fact]
    public Task Client_WhoseGatewayIsKilled_GoesOnThroughAnotherWithinASecond() => RunAsync(Build(gateways: 2), async cluster =>
    {
        var inner = cluster.Silos[2];
        var places = await AskAllAsync(cluster.Client);
        var keys = Enumerable.Range(0, Grains).Where(i => places[i].Silo == inner.Name).ToArray();
        Assert.NotEmpty(keys);

        // Those calls that went through the gateway that dies have failed, and whoever asks again is answered.
        var hanging = keys.Select(k => cluster.Client.GetGrain<IPlaceGrain>(k + Grains).NeverAsync()).ToArray();
        var since = _clock.GetTimestamp();
        await cluster.KillSiloAsync(cluster.Silos[0]);
        var failed = 0;
        foreach (var key in keys)
        {
            while (true)
            {
                try
                {
                    Assert.Equal(places[key].Activation, (await cluster.Client.GetGrain<IPlaceGrain>(key).WhereAsync("again")).Activation);
                    break;
                }
                catch (SiloUnavailableException)
                {
                    failed++;
                }
            }
        }

        Assert.InRange(_clock.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.InRange(failed, 0, keys.Length);
        Assert.Contains(hanging, h => h.IsFaulted);
    });

    /// <summary>The gateways that a client has are silent, all of them, and another one serves: the list tells it so.</summary>
    [Fact]
    public Task Client_WhoseGatewaysAreSilent_FindsOneThatHasJoinedMeanwhile() => RunAsync(Build(silos: 1), async cluster =>
    {
        var silent = cluster.Silos[0];
        cluster.Network.Cut(cluster.Client, silent.SiloAddress);
        var joined = await cluster.StartAdditionalSiloAsync();
        var client = cluster.Client;
        var key = 0;
        while (true)
        {
            try
            {
                if ((await client.GetGrain<IPlaceGrain>(key++).WhereAsync("who?").WaitAsync(TimeSpan.FromSeconds(2), _clock)).Silo == joined.Name)
                {
                    return;
                }
            }
            catch (Exception e) when (e is TimeoutException or SiloUnavailableException)
            {
                Assert.True(key < 60, "The client does not find the silo that has joined.");
            }
        }
    });

    /// <summary>Long before its time the list is read again: nothing else could tell of another one.</summary>
    [Fact]
    public Task Client_WhoseOnlyGatewayIsKilled_FindsTheOneThatTakesItsPlace() => RunAsync(Build(silos: 1), async cluster =>
    {
        await AskAllAsync(cluster.Client);
        await cluster.KillSiloAsync(cluster.Silos[0]);
        var joined = await cluster.StartAdditionalSiloAsync();
        var since = _clock.GetTimestamp();

        Assert.Equal(joined.Name, (await cluster.Client.GetGrain<IPlaceGrain>(1).WhereAsync("who?")).Silo);
        Assert.InRange(_clock.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    });

    private static async Task<Whereabouts[]> AskAllAsync(IClusterClient client) =>
        await Task.WhenAll(Enumerable.Range(0, Grains).Select(i => client.GetGrain<IPlaceGrain>(i).WhereAsync($"{i}")));

    /// <summary>Calls of a client and of a silo's grain that are under way in a silo.</summary>
    private static async Task<Task[]> HangAsync(InProcessTestCluster cluster, SiloHandle silo)
    {
        var places = await AskAllAsync(cluster.Client);
        var keys = Enumerable.Range(0, Grains).Where(i => places[i].Silo == silo.Name).ToArray();
        var other = cluster.Silos.First(s => s != silo).ServiceProvider;
        var factory = (IGrainFactory)other.GetService(typeof(IGrainFactory))!;
        return [cluster.Client.GetGrain<IPlaceGrain>(keys[0]).NeverAsync(), factory.GetGrain<IPlaceGrain>(keys[1]).NeverAsync()];
    }

    private InProcessTestCluster Build(Action<ClusterMembershipOptions>? configure = null, short silos = 3, int gateways = int.MaxValue)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.UseClustering = true;
        builder.Options.TimeProvider = _clock;
        builder.Options.MembershipTable = _table;
        builder.ConfigureSilo((options, silo) =>
        {
            silo.AddMemoryGrainStorageAsDefault();
            silo.Configure<ClusterMembershipOptions>(o => configure?.Invoke(o));
            if (int.Parse(options.SiloName.Split('_')[1], System.Globalization.CultureInfo.InvariantCulture) >= gateways)
            {
                silo.Configure<EndpointOptions>(o => (o.GatewayPort, o.GatewayListeningEndpoint) = (0, null));
            }
        });
        return builder.Build();
    }

    private async Task<Dictionary<SiloAddress, MembershipEntry>> RowsAsync() => (await _table.ReadAll()).Members.ToDictionary(m => m.Item1.SiloAddress, m => m.Item1);

    private Task PassAsync(TimeSpan time) => Task.Delay(time, _clock);

    private Task RunAsync(InProcessTestCluster cluster, Func<InProcessTestCluster, Task> test) => _clock.RunAsync(
        async () =>
        {
            await using (cluster)
            {
                await cluster.DeployAsync();
                await test(cluster);
            }
        },
        TimeSpan.FromMilliseconds(1));
}
