using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>Several silos, and a client that reaches them over connections.</summary>
public sealed class ClusterTests : IAsyncLifetime
{
    private const int Grains = 60;

    private readonly InProcessTestCluster _cluster = Build(3);

    public Task InitializeAsync() => _cluster.DeployAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Call_ManyGrains_AreSpreadAndEachIsOneActivationForEveryCaller()
    {
        var other = await _cluster.AddClientAsync();
        var places = await AskAllAsync(_cluster.Client);

        Assert.Equal(3, places.Select(p => p.Silo).Distinct().Count());
        Assert.Equal(Grains, places.Select(p => p.Activation).Distinct().Count());
        Assert.Equal(places, await AskAllAsync(other));
        var first = _cluster.Client.GetGrain<IPlaceGrain>(0);
        for (var i = 1; i < Grains; i++)
        {
            Assert.Equal(places[i].Activation, (await first.AskAsync(i)).Activation);
        }
    }

    [Fact]
    public async Task Call_ThatThrows_ThrowsTheSameTypeWithTheRemoteStack()
    {
        for (var i = 0; i < 10; i++)
        {
            var grain = _cluster.Client.GetGrain<IPlaceGrain>(i);
            var e = await Assert.ThrowsAsync<InvalidOperationException>(() => grain.FailAsync("no such luck"));
            Assert.Equal("no such luck", e.Message);
            Assert.Contains(nameof(PlaceGrain.FailAsync), e.StackTrace, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Cancel_OfACallInAnotherProcess_ReachesTheGrain()
    {
        (Cancelled.Waiting, Cancelled.Seen) = (new(), new());
        using var cancellation = new CancellationTokenSource();
        var call = _cluster.Client.GetGrain<IPlaceGrain>(1).WaitForCancellationAsync(cancellation.Token);
        await Cancelled.Waiting.Task.WaitAsync(Deadline);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Cancelled.Seen.Task.WaitAsync(Deadline);
    }

    [Fact]
    public async Task RequestContext_TravelsBetweenProcesses()
    {
        RequestContext.Set("who", "ada");
        try
        {
            for (var i = 0; i < 5; i++)
            {
                Assert.Equal("ada", await _cluster.Client.GetGrain<IPlaceGrain>(i).ContextAsync("who"));
            }
        }
        finally
        {
            RequestContext.Clear();
        }
    }

    [Fact]
    public async Task Observer_OfAClient_IsCalledInOrderFromEverySilo()
    {
        var seen = new List<int>();
        var observer = new Listener(seen);
        var reference = _cluster.Client.CreateObjectReference<IPlaceObserver>(observer);
        for (var i = 0; i < Grains; i++)
        {
            var grain = _cluster.Client.GetGrain<IPlaceGrain>(i);
            await grain.SubscribeAsync(reference);
            await grain.NotifyAsync(i * 10, 10);
        }

        Assert.Equal(Enumerable.Range(0, Grains * 10), seen);
        _cluster.Client.DeleteObjectReference<IPlaceObserver>(reference);
        await Assert.ThrowsAsync<ClientNotAvailableException>(() => _cluster.Client.GetGrain<IPlaceGrain>(0).NotifyAsync(0, 1));
        GC.KeepAlive(observer);
    }

    [Fact]
    public async Task Silo_Joins_TakesOnlyItsShareAndNoGrainIsTwice()
    {
        var before = await AskAllAsync(_cluster.Client);
        var silo = await _cluster.StartAdditionalSiloAsync();
        await _cluster.WaitForLivenessToStabilizeAsync();

        var after = await AskAllAsync(_cluster.Client);

        var moved = Enumerable.Range(0, Grains).Where(i => before[i].Activation != after[i].Activation).ToArray();
        Assert.NotEmpty(moved);
        Assert.All(moved, i => Assert.Equal(silo.Name, after[i].Silo));
        Assert.All(Enumerable.Range(0, Grains).Except(moved), i => Assert.Equal(before[i], after[i]));
    }

    [Fact]
    public async Task Silo_StopsInOrder_ItsGrainsAnswerElsewhereAndNoCallFails()
    {
        var silo = _cluster.Silos[1];
        using var stop = new CancellationTokenSource();
        var calls = Enumerable.Range(0, 8).Select(n => Task.Run(async () =>
        {
            var made = 0;
            do
            {
                await _cluster.Client.GetGrain<IPlaceGrain>(made++ % Grains).WhereAsync("still there?");
            }
            while (!stop.IsCancellationRequested);

            return made;
        })).ToArray();

        await _cluster.StopSiloAsync(silo);
        await _cluster.WaitForLivenessToStabilizeAsync();
        await stop.CancelAsync();

        Assert.All(await Task.WhenAll(calls).WaitAsync(Deadline), made => Assert.True(made > 0));
        Assert.DoesNotContain(await AskAllAsync(_cluster.Client), p => p.Silo == silo.Name);
    }

    [Fact]
    public async Task Silo_Killed_CallsInFlightFailAndItsGrainsAnswerElsewhere()
    {
        var silo = _cluster.Silos[2];
        var places = await AskAllAsync(_cluster.Client);
        var lost = Array.FindIndex(places, p => p.Silo == silo.Name);
        var hanging = _cluster.Client.GetGrain<IPlaceGrain>(lost).NeverAsync();

        await _cluster.KillSiloAsync(silo);

        await Assert.ThrowsAsync<SiloUnavailableException>(() => hanging.WaitAsync(Deadline));
        var again = await UntilAsync(() => _cluster.Client.GetGrain<IPlaceGrain>(lost).WhereAsync("again"));
        Assert.NotEqual(silo.Name, again.Silo);
        Assert.NotEqual(places[lost].Activation, again.Activation);
    }

    [Fact]
    public async Task Silo_CutOff_IsDeclaredDeadAndEndsItself()
    {
        var silos = _cluster.Silos;
        await AskAllAsync(_cluster.Client);
        _cluster.Network.Partition([silos[0].SiloAddress], silos.Skip(1).Select(s => s.SiloAddress));

        await UntilAsync(() => Task.FromResult(silos.Count(s => s.HasEnded) > 0 ? new object() : throw new SiloUnavailableException()));
        _cluster.Network.Heal();

        foreach (var client in (IClusterClient[])[_cluster.Client, await _cluster.AddClientAsync()])
        {
            var places = await UntilAsync(() => AskAllAsync(client));
            Assert.DoesNotContain(places, p => silos.First(s => s.Name == p.Silo).HasEnded);
        }
    }

    [Fact]
    public async Task Management_Statistics_SumOverAllSilos()
    {
        await AskAllAsync(_cluster.Client);
        var management = _cluster.Client.GetGrain<IManagementGrain>(0);

        var statistics = await management.GetSimpleGrainStatistics();

        Assert.Equal(Grains, statistics.Where(s => s.GrainType.EndsWith(nameof(PlaceGrain), StringComparison.Ordinal)).Sum(s => s.ActivationCount));
        Assert.Equal(3, statistics.Where(s => s.GrainType.EndsWith(nameof(PlaceGrain), StringComparison.Ordinal)).Select(s => s.SiloAddress).Distinct().Count());
        Assert.Equal(3, (await management.GetHosts(onlyActive: true)).Count);
    }

    private static TimeSpan Deadline => TimeSpan.FromSeconds(20);

    private static InProcessTestCluster Build(short silos)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ConnectionTransport = ConnectionTransportType.TcpSocket;
        builder.ConfigureSilo((_, silo) => silo.AddMemoryGrainStorageAsDefault());
        return builder.Build();
    }

    private static async Task<Whereabouts[]> AskAllAsync(IClusterClient client) =>
        await Task.WhenAll(Enumerable.Range(0, Grains).Select(i => client.GetGrain<IPlaceGrain>(i).WhereAsync($"{i}")));

    /// <summary>Calls until it does not fail for want of a silo.</summary>
    private static async Task<T> UntilAsync<T>(Func<Task<T>> call)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (true)
        {
            try
            {
                return await call();
            }
            catch (OrleansException) when (!deadline.IsCancellationRequested)
            {
                await Task.Delay(20, deadline.Token);
            }
        }
    }

    private sealed class Listener(List<int> seen) : IPlaceObserver
    {
        public Task OnNumberAsync(int number)
        {
            seen.Add(number);
            return Task.CompletedTask;
        }
    }
}
