using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.Networking;
using Orleans.TestingHost;
using VoiceCluster.Engine.Tests.Calls;

namespace VoiceCluster.Engine.Tests.Networking;

/// <summary>Connections that threads of their own read, behind a relay that delivers bytes as it likes.</summary>
[Collection(nameof(HotPathTests))]
public sealed class ThreadInputTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Relay _relay = new(seed: 1);
    private readonly InProcessTestCluster _cluster;

    public ThreadInputTests()
    {
        var builder = new InProcessTestClusterBuilder(2);
        builder.Options.ConnectionTransport = ConnectionTransportType.TcpSocket;
        builder.ConfigureClient(client => client.Services.AddSingleton<IClusterTransport>(_relay));
        _cluster = builder.Build();
    }

    public Task InitializeAsync() => _cluster.DeployAsync();

    public async Task DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _relay.Dispose();
    }

    [Fact]
    public async Task Frames_CutAnywhere_AreCallsAndAnswers()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(EchoAsync)).WaitAsync(Deadline);
        Assert.All(answers, Assert.True);

        async Task<bool> EchoAsync(int number)
        {
            // Some longer than the buffer that frames are read into.
            var sent = new Small(new string((char)('a' + (number % 26)), number % 50 == 0 ? 100_000 : number), number);
            return await _cluster.Client.GetGrain<IHotGrain>(number).EchoAsync(sent) == sent;
        }
    }

    [Fact]
    public async Task Connections_CutWhileTheyAreRead_FailTheirCallsAndAreOpenedAnew()
    {
        for (var round = 0; round < 5; round++)
        {
            Assert.Equal(1, (await UntilAnsweredAsync(round)).Number);
            var opened = _relay.Opened;
            var calls = Enumerable.Range(0, 64).Select(i => _cluster.Client.GetGrain<IHotGrain>(i).EchoAsync(new Small(new string('x', 1_000), i))).ToArray();
            _relay.Cut();
            foreach (var call in calls)
            {
                // It had its answer already, or nobody knows whether it ran; it does not hang.
                var failure = await Record.ExceptionAsync(() => call.WaitAsync(Deadline));
                Assert.True(failure is null or SiloUnavailableException, failure?.ToString());
            }

            Assert.Equal(1, (await UntilAnsweredAsync(round)).Number);
            Assert.True(_relay.Opened > opened);
        }
    }

    /// <summary>Calls a grain until it answers: the first may be sent over a connection that is already cut.</summary>
    private async Task<Small> UntilAnsweredAsync(int key)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (true)
        {
            try
            {
                return await _cluster.Client.GetGrain<IHotGrain>(key).EchoAsync(new Small("x", 1)).WaitAsync(deadline.Token);
            }
            catch (SiloUnavailableException)
            {
                await Task.Yield();
            }
        }
    }
}
