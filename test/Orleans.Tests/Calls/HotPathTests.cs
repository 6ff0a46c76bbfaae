using System.Text;
using Orleans.Runtime.Clustering;
using Orleans.Runtime.Networking;
using Orleans.Serialization;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Calls;

/// <summary>Measures what the whole process allocates, so nothing else may run.</summary>
[CollectionDefinition(nameof(HotPathTests), DisableParallelization = true)]
public sealed class HotPathCollection;

/// <summary>The parts that each call goes through allocate what the call itself is, and no turn keeps others from being read.</summary>
[Collection(nameof(HotPathTests))]
public sealed class HotPathTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly InProcessTestCluster _cluster = new InProcessTestClusterBuilder(1).Build();

    public Task InitializeAsync() => _cluster.DeployAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Call_InTheSilo_AllocatesFewBytes()
    {
        // The request, the call, its task and the turn; and the caller's own state machine.
        var bytes = await _cluster.Client.GetGrain<IHotGrain>(1).MeasureAsync(2, 20_000);
        Assert.InRange(bytes, 1, 700);
    }

    [Fact]
    public async Task Call_OverAConnection_AllocatesFewBytesOnBothSidesTogether()
    {
        var grain = _cluster.Client.GetGrain<IHotGrain>(1);
        var small = new Small(new string('x', 32), 1);
        var bytes = await MeasureAsync(() => grain.EchoAsync(small), 20_000);
        Assert.InRange(bytes, 1, 1_400);
    }

    [Fact]
    public void SentCalls_OnceGrown_AllocatesNothing()
    {
        var sent = new SentCalls();
        StubCall[] calls = [.. Enumerable.Range(0, 100).Select(_ => new StubCall())];
        var ids = new ulong[calls.Length];
        AssertAllocatesNothing(() =>
        {
            for (var i = 0; i < calls.Length; i++)
            {
                ids[i] = sent.Add(calls[i], null!);
            }

            foreach (var id in ids)
            {
                sent.Take(id);
            }
        });
        Assert.Equal(0, sent.Count);
    }

    [Fact]
    public void SentCalls_AnswerThatComesTooLate_FindsNothing()
    {
        var sent = new SentCalls();
        var (first, second) = (new StubCall(), new StubCall());
        var early = sent.Add(first, null!);
        Assert.Same(first, sent.Take(early));
        var late = sent.Add(second, null!);

        Assert.NotEqual(early, late);
        Assert.Null(sent.Take(early));
        Assert.Null(sent.Take(ulong.MaxValue));
        Assert.Null(sent.Take(0));
        Assert.Same(second, sent.Take(late));
        Assert.Null(sent.Take(late));
    }

    [Fact]
    public void PendingCalls_AddAndRemove_AllocateNothingAndForgetNothing()
    {
        using var pending = new PendingCalls(TimeProvider.System);
        StubCall[] calls = [.. Enumerable.Range(0, 100).Select(_ => new StubCall())];
        AssertAllocatesNothing(() =>
        {
            foreach (var call in calls)
            {
                pending.Add(call, TimeSpan.FromSeconds(30));
            }

            for (var i = 0; i < calls.Length; i++)
            {
                // In another order than they came, and some twice.
                PendingCalls.Remove(calls[i * 37 % calls.Length]);
                PendingCalls.Remove(calls[i * 37 % calls.Length]);
            }
        });
        Assert.Equal(0, pending.Count);
        pending.Add(calls[0], TimeSpan.FromSeconds(30));
        pending.Add(calls[1], TimeSpan.FromSeconds(30));
        PendingCalls.Remove(calls[0]);
        pending.FailAll(_ => new SiloUnavailableException("gone"));
        Assert.False(calls[0].HasFailed);
        Assert.True(calls[1].HasFailed);
    }

    [Fact]
    public void NameCache_KnownNames_AllocatesNothing()
    {
        var cache = new NameCache<string>(static name => name);
        byte[][] names = [.. Enumerable.Range(0, 20).Select(i => Encoding.UTF8.GetBytes($"test.IGrain{i}/MethodAsync"))];
        AssertAllocatesNothing(() =>
        {
            foreach (var name in names)
            {
                cache.Get(name);
            }
        });
    }

    [Fact]
    public void NameCache_MoreNamesThanPlaces_AnswersEachByItsOwn()
    {
        var cache = new NameCache<string>(static name => name);
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 5_000; i++)
            {
                Assert.Equal($"n{i}", cache.Get(Encoding.UTF8.GetBytes($"n{i}")));
            }
        }

        Assert.Equal("", cache.Get([]));
        Assert.Equal("größe", cache.Get("größe"u8));
    }

    [Fact]
    public void ClusterView_OwnerOf_AllocatesNothingAndSharesEvenly()
    {
        var view = new ClusterView(new ClusterSnapshot(1, [.. Enumerable.Range(1, 4).Select(i => Member(i))]));
        var shares = new Dictionary<ClusterMember, int>();
        for (var hash = 0ul; hash <= uint.MaxValue; hash += 65_537)
        {
            var owner = view.OwnerOf((uint)hash)!;
            shares[owner] = shares.GetValueOrDefault(owner) + 1;
        }

        Assert.Equal(4, shares.Count);
        Assert.All(shares.Values, share => Assert.InRange(share, 65_536 / 8, 65_536 / 2));
        AssertAllocatesNothing(() =>
        {
            for (var hash = 0ul; hash <= uint.MaxValue; hash += 10_000_019)
            {
                view.OwnerOf((uint)hash);
            }
        });
    }

    [Fact]
    public async Task Call_ToAGrainThatHoldsItsThread_OthersOnTheConnectionAreAnswered()
    {
        HotGrain.Gate.Reset();
        var blocked = _cluster.Client.GetGrain<IHotGrain>(1).BlockAsync();

        // On the same connection, behind it.
        await _cluster.Client.GetGrain<IHotGrain>(2).OpenAsync().WaitAsync(Deadline);
        await blocked.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Caller_ThatHoldsItsThread_OthersGetTheirAnswers()
    {
        var small = new Small("x", 1);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            for (var n = 0; n < 50; n++)
            {
                await _cluster.Client.GetGrain<IHotGrain>(i).EchoAsync(small).ConfigureAwait(false);

                // Goes on where the answer was read, and waits there for the next one.
#pragma warning disable xUnit1031 // Holding the thread is what is tested.
                Assert.True(_cluster.Client.GetGrain<IHotGrain>(i + 10).EchoAsync(small).Wait(Deadline));
#pragma warning restore xUnit1031
            }
        }))).WaitAsync(Deadline);
    }

    [Fact]
    public async Task Call_ManyAtOnceOfAllSizes_EachGetsItsOwnAnswer()
    {
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            for (var n = 0; n < 20; n++)
            {
                var (text, times) = ($"{i}-{n};", 1 + ((i * 7919 * (n + 1)) % (n % 5 == 0 ? 30_000 : 40)));
                var answer = await _cluster.Client.GetGrain<IHotGrain>(i % 16).RepeatAsync(text, times);
                Assert.Equal(text.Length * times, answer.Length);
                Assert.StartsWith(text, answer, StringComparison.Ordinal);
                Assert.EndsWith(text, answer, StringComparison.Ordinal);
            }
        })).WaitAsync(Deadline);
    }

    /// <summary>Bytes that the process allocates for each call.</summary>
    internal static async Task<double> MeasureAsync<T>(Func<Task<T>> call, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await call();
        }

        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < count; i++)
        {
            await call();
        }

        return (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)count;
    }

    private static ClusterMember Member(int number) =>
        new ClusterMember(SiloAddress.New(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, number), number), SiloStatus.Active, 0, $"{number}", 0);

    private static void AssertAllocatesNothing(Action action)
    {
        action();
        action();
        var before = Allocations.Begin();
        action();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private sealed class StubCall() : GrainCall(null!, default, null!)
    {
        public bool HasFailed { get; private set; }

        public override GrainId? Source => null;

        public override bool IsDone => false;

        public override bool IsOneWay => false;

        public override int Hops => 0;

        public override Dictionary<string, object>? Values => null;

        public override Guid Chain => Guid.Empty;

        public override Task RunAsync(Activation activation) => Task.CompletedTask;

        public override Task RunOnAsync(object target) => Task.CompletedTask;

        public override void Answer(Reader payload)
        {
        }

        public override void Fail(Exception exception) => HasFailed = true;
    }
}
