using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Calls;

/// <summary>
/// One caller over TCP that is fast enough to be waited for: what it and the grain do runs on the threads that read, and must
/// not keep anybody from being read.
/// </summary>
[Collection(nameof(HotPathTests))]
public sealed class DirectReadingTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly InProcessTestCluster _cluster;

    public DirectReadingTests()
    {
        // Two silos, so that they listen: each grain is reached over TCP.
        var builder = new InProcessTestClusterBuilder(2);
        builder.Options.ConnectionTransport = ConnectionTransportType.TcpSocket;
        _cluster = builder.Build();
    }

    public Task InitializeAsync() => _cluster.DeployAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Caller_ThatHoldsItsThreadNowAndThen_GetsItsAnswers()
    {
        for (var round = 0; round < 3; round++)
        {
            await Task.Run(async () =>
            {
                var grain = await WarmAsync(round).ConfigureAwait(false);

                // Goes on where its answer was read: nobody reads there while it waits for the next one.
#pragma warning disable xUnit1031 // Holding the thread is what is tested.
                Assert.True(grain.EchoAsync(new Small("x", 1)).Wait(Deadline));
#pragma warning restore xUnit1031
            }).WaitAsync(Deadline);
        }
    }

    [Fact]
    public async Task Grain_ThatHoldsItsThread_OthersOnTheConnectionAreAnswered()
    {
        var grain = await WarmAsync(1);
        HotGrain.Gate.Reset();
        var blocked = grain.BlockAsync();

        // Behind it, most likely on the same connection; one of them opens the gate.
        await Task.WhenAll(Enumerable.Range(10, 16).Select(i => _cluster.Client.GetGrain<IHotGrain>(i).EchoAsync(new Small("y", i)))).WaitAsync(Deadline);
        await _cluster.Client.GetGrain<IHotGrain>(2).OpenAsync().WaitAsync(Deadline);
        await blocked.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Silo_IsKilledWhileOneIsWaitedFor_CallsEndAndGoOnElsewhere()
    {
        var grain = await WarmAsync(3);
        using var stop = new CancellationTokenSource();
        var calling = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await grain.EchoAsync(new Small("x", 1));
            }
        });
        await _cluster.KillSiloAsync(_cluster.Silos[1]);
        await _cluster.WaitForLivenessToStabilizeAsync(didKill: true);

        var answer = _cluster.Client.GetGrain<IHotGrain>(4).EchoAsync(new Small("z", 2));
        Assert.Equal("z", (await answer.WaitAsync(Deadline)).Text);
        await stop.CancelAsync();

        // The grain lived there, and the call under way failed; or it lives in the other silo and all went on.
        var failure = await Record.ExceptionAsync(() => calling.WaitAsync(Deadline));
        Assert.True(failure is null or SiloUnavailableException, failure?.ToString());
    }

    /// <summary>Calls a grain one call at a time, as often as it takes for both sides to wait for each other.</summary>
    private async Task<IHotGrain> WarmAsync(int key)
    {
        var grain = _cluster.Client.GetGrain<IHotGrain>(key);
        var small = new Small(new string('x', 32), 1);
        for (var i = 0; i < 3_000; i++)
        {
            Assert.Equal(small, await grain.EchoAsync(small).ConfigureAwait(false));
        }

        return grain;
    }
}
