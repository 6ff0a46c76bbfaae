namespace VoiceCluster.Engine.Tests.Turns;

/// <summary>Which requests of one activation run beside each other.</summary>
public sealed class TurnTests(SiloFixture silo) : IClassFixture<SiloFixture>
{
    private readonly string _key = Probe.NewKey();

    private Probe Probe => Probe.Of(_key);

    private T Grain<T>()
        where T : IGrainWithStringKey => silo.Client.GetGrain<T>(_key);

    /// <summary>Starts two requests, and answers what had started when a request behind both had run.</summary>
    private async Task<(string Started, Task Both)> StartTwoAsync(ITurnGrain grain, Func<string, Task> first, Func<string, Task> second)
    {
        var one = first("host");
        await Probe.SeesAsync("host starts");
        var two = second("guest");
        return (await grain.PeekAsync(), Task.WhenAll(one, two));
    }

    [Fact]
    public async Task Request_OfPlainGrain_WaitsForTheOneBefore()
    {
        var grain = Grain<ITurnGrain>();
        var (started, both) = await StartTwoAsync(grain, grain.HoldAsync, grain.HoldAsync);
        Assert.Equal("host starts", started);
        Probe.Open();
        await both;
        Assert.Equal(["host starts", "host ends", "guest starts", "guest ends"], Probe.Log);
    }

    [Fact]
    public async Task Request_OfReentrantGrain_RunsBesideOthers()
    {
        var grain = Grain<IReentrantGrain>();
        var (started, both) = await StartTwoAsync(grain, grain.HoldAsync, grain.HoldAsync);
        Assert.Equal("host starts, guest starts", started);
        Probe.Open();
        await both;
    }

    [Fact]
    public async Task ReadOnlyRequest_BesideReadOnly_Runs()
    {
        var grain = Grain<ITurnGrain>();
        var (started, both) = await StartTwoAsync(grain, grain.ReadAsync, grain.ReadAsync);
        Assert.Equal("host starts, guest starts", started);
        Probe.Open();
        await both;
    }

    [Fact]
    public async Task ReadOnlyRequest_BesideWriter_Waits()
    {
        var grain = Grain<ITurnGrain>();
        var (started, both) = await StartTwoAsync(grain, grain.HoldAsync, grain.ReadAsync);
        Assert.Equal("host starts", started);
        Probe.Open();
        await both;
    }

    [Fact]
    public async Task Request_ThatMayInterleave_RunsAndOthersWait()
    {
        var grain = Grain<ISelectiveGrain>();
        var (_, both) = await StartTwoAsync(grain, grain.HoldAsync, grain.HoldAsync);
        var late = grain.HoldAsync("late");
        Assert.Equal("host starts, guest starts", await grain.PeekAsync());
        Probe.Open();
        await both;
        await late;
    }

    [Fact]
    public async Task StatelessWorkers_UpToTheirNumber_RunAtOnce()
    {
        var grain = Grain<IWorkerGrain>();
        Task[] calls = [grain.HoldAsync("a"), grain.HoldAsync("b"), grain.HoldAsync("c")];
        await Eventually.HoldsAsync(() => Probe.Log.Length == 2, "two workers run");
        await grain.PeekAsync();
        Assert.Equal(2, Probe.Log.Length);
        Assert.Equal(2, Probe.Count);
        Probe.Open();
        await Task.WhenAll(calls);
        Assert.Equal(6, Probe.Log.Length);
    }

    [Fact]
    public async Task StatelessWorker_CalledOneAfterAnother_StaysAlone()
    {
        var grain = Grain<IWorkerGrain>();
        for (var i = 0; i < 10_000; i++)
        {
            await grain.PeekAsync();
        }

        Assert.Equal(1, Probe.Count);
    }

    [Fact]
    public async Task Continuations_OfManyRequests_NeverRunInParallelAndStayOnTheScheduler()
    {
        var grain = Grain<IReentrantGrain>();
        var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => grain.CountAsync()));
        Assert.All(results, Assert.True);
        Assert.Equal(5_000, await grain.GetCountAsync());
    }

    [Fact]
    public async Task FirstCalls_AtOnce_MakeOneActivation()
    {
        var grain = Grain<ITurnGrain>();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(() => grain.AddAsync(i, 1).AsTask())));
        Assert.Equal(1, Probe.Count);
    }

    [Fact]
    public async Task OneWayCalls_OfOneCaller_RunInTheOrderSent()
    {
        var grain = Grain<ITurnGrain>();
        for (var i = 0; i < 1_000; i++)
        {
            await grain.NoteAsync(i);
        }

        Assert.Equal(0, await grain.GetCountAsync());
        Assert.Equal(Enumerable.Range(0, 1_000).Select(i => $"{i}"), Probe.Log);
    }

    [Fact]
    public async Task OneWayCall_ThatFails_TellsNobody()
    {
        var grain = Grain<ITurnGrain>();
        await grain.FailUnseenAsync();
        await Probe.SeesAsync("failed");
        Assert.Equal(3, await grain.AddAsync(1, 2));
    }

    [Fact]
    public async Task Call_UnansweredForItsResponseTimeout_ThrowsTimeoutException()
    {
        var grain = Grain<ITurnGrain>();
        var error = await Assert.ThrowsAsync<TimeoutException>(grain.HoldBrieflyAsync);
        Assert.Contains(nameof(ITurnGrain.HoldBrieflyAsync), error.Message, StringComparison.Ordinal);
        Probe.Open();
        Assert.Equal(3, await grain.AddAsync(1, 2));
    }

    [Fact]
    public async Task CancellationToken_CanceledByTheCaller_CancelsTheRequest()
    {
        using var cancel = new CancellationTokenSource();
        var call = Grain<ITurnGrain>().HoldUntilCanceledAsync(cancel.Token);
        await Probe.SeesAsync("waits");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task CallChain_BackIntoItsGrain_TimesOutUnlessAllowed()
    {
        var other = Probe.NewKey();
        Assert.Equal(42, await Grain<IChainGrain>().CallAroundAsync(other));
        await Assert.ThrowsAsync<TimeoutException>(() => Grain<IChainGrain>().CallAroundUnallowedAsync(other));
    }

    [Fact]
    public async Task CallChain_AfterTheSectionEnded_MayNotComeBack()
    {
        var other = Probe.NewKey();
        using (RequestContext.AllowCallChainReentrancy())
        {
            // The client opened a chain, but no grain on the way did.
            await Assert.ThrowsAsync<TimeoutException>(() => Grain<IChainGrain>().CallAroundUnallowedAsync(other));
        }

        Assert.Equal(Guid.Empty, RequestContext.ReentrancyId);
    }
}
