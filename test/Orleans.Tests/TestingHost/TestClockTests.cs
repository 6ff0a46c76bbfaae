using System.Threading.Channels;
using Orleans.TestingHost;
using VoiceCluster.Engine.Tests.Clustering;

namespace VoiceCluster.Engine.Tests.TestingHost;

/// <summary>A clock that runs goes on only when nothing is left to do, however busy the machine is.</summary>
[Collection(OneClock.Name)]
public sealed class TestClockTests
{
    private const int Chains = 16;
    private const int Rounds = 15;
    private const int Hops = 12;

    private readonly TestClock _clock = new();

    /// <summary>Work that goes from thread to thread in every way, while other threads take the processors away.</summary>
    [Fact]
    public async Task Run_WhileWorkIsUnderWay_DoesNotMove()
    {
        using var burning = new Burners(Environment.ProcessorCount * 2);
        var late = 0;
        await _clock.RunAsync(
            () => Task.WhenAll(Enumerable.Range(0, Chains).Select(async seed =>
            {
                var random = new Random(seed);
                var (near, far) = MemoryStreams.MakePair();
                var channel = Channel.CreateUnbounded<int>();
                _ = EchoAsync(far);
                for (var round = 0; round < Rounds; round++)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 20)), _clock);
                    var now = _clock.GetTimestamp();
                    for (var hop = 0; hop < Hops; hop++)
                    {
                        await HopAsync(random.Next(6), near, channel);
                    }

                    Interlocked.Add(ref late, _clock.GetTimestamp() == now ? 0 : 1);
                }

                await near.DisposeAsync();
            })),
            TimeSpan.FromMilliseconds(1));

        Assert.Equal(0, late);
    }

    [Fact]
    public async Task Run_ToATimerFarAway_ComesThereAtOnceAndToTheOnesOnTheWayFirst()
    {
        var order = new List<(string Who, TimeSpan At)>();
        await _clock.RunAsync(
            async () =>
            {
                var start = _clock.GetTimestamp();
                var ticks = 0;
                await using var timer = _clock.CreateTimer(_ => ticks++, null, TimeSpan.FromHours(1), TimeSpan.FromHours(1));
                var second = WaitAsync("second", TimeSpan.FromDays(2));
                await WaitAsync("first", TimeSpan.FromDays(1) + TimeSpan.FromMinutes(1));
                Assert.Equal(24, ticks);
                await second;

                async Task WaitAsync(string who, TimeSpan time)
                {
                    await Task.Delay(time, _clock);
                    order.Add((who, _clock.GetElapsedTime(start)));
                }
            },
            TimeSpan.FromMilliseconds(1));

        Assert.Equal([("first", TimeSpan.FromDays(1) + TimeSpan.FromMinutes(1)), ("second", TimeSpan.FromDays(2))], order);
        Assert.False(_clock.IsRunning);
    }

    [Fact]
    public async Task Run_OfWorkThatFails_FailsAndStops()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _clock.RunAsync(
            async () =>
            {
                await Task.Delay(TimeSpan.FromSeconds(1), _clock);
                throw new InvalidOperationException("As the test wants it.");
            },
            TimeSpan.FromMilliseconds(1)));

        Assert.False(_clock.IsRunning);
    }

    private static async Task HopAsync(int kind, Stream stream, Channel<int> channel)
    {
        switch (kind)
        {
            case 0:
                await Task.Yield();
                break;
            case 1:
                await Task.Run(static () => Thread.SpinWait(100));
                break;
            case 2 or 3:
                var hop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                ThreadPool.UnsafeQueueUserWorkItem(static hop => hop.SetResult(), hop, preferLocal: kind == 2);
                await hop.Task;
                break;
            case 4:
                await stream.WriteAsync(new byte[1]);
                await stream.ReadExactlyAsync(new byte[1]);
                break;
            default:
                _ = Task.Run(() => channel.Writer.TryWrite(1));
                await channel.Reader.ReadAsync();
                break;
        }
    }

    private static async Task EchoAsync(Stream stream)
    {
        var one = new byte[1];
        while (await stream.ReadAsync(one) > 0)
        {
            await stream.WriteAsync(one);
        }
    }

    /// <summary>Threads that do nothing, as fast as they can.</summary>
    private sealed class Burners : IDisposable
    {
        private readonly Thread[] _threads;
        private volatile bool _isStopped;

        public Burners(int count)
        {
            _threads = [.. Enumerable.Range(0, count).Select(_ => new Thread(Burn) { IsBackground = true })];
            Array.ForEach(_threads, static t => t.Start());
        }

        public void Dispose()
        {
            _isStopped = true;
            Array.ForEach(_threads, static t => t.Join());
        }

        private void Burn()
        {
            while (!_isStopped)
            {
                Thread.SpinWait(1000);
            }
        }
    }
}
