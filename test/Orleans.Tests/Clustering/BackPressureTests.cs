using Orleans.Configuration;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>What happens to those who send more than the other side takes.</summary>
public sealed class BackPressureTests
{
    /// <summary>Characters of a call's argument, and of its answer.</summary>
    private const int Length = 1 << 20;

    /// <summary>More of them than one connection keeps for a side that does not read: 64 MB.</summary>
    private const int TooMany = 80;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private static readonly string Text = new('x', Length);

    [Fact]
    public async Task Calls_MoreThanASilentSiloTakes_AreRefusedAndTheRestIsServedWhenItReadsAgain()
    {
        await using var cluster = Build(1);
        await cluster.DeployAsync();
        var grain = cluster.Client.GetGrain<IPlaceGrain>(1);
        await grain.WhereAsync("there");

        cluster.Network.Cut(cluster.Client, cluster.Silos[0].SiloAddress);
        var calls = Enumerable.Range(0, TooMany).Select(_ => grain.WhereAsync(Text)).ToArray();
        await UntilAsync(() => Array.Exists(calls, c => c.IsFaulted));
        cluster.Network.Mend(cluster.Client, cluster.Silos[0].SiloAddress);
        var refused = 0;
        foreach (var call in calls)
        {
            try
            {
                Assert.Equal(Length, (await call.WaitAsync(Deadline)).Text.Length);
            }
            catch (GatewayTooBusyException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1, TooMany / 2);
        Assert.Equal("again", (await grain.WhereAsync("again").WaitAsync(Deadline)).Text);
    }

    /// <summary>Answers cannot be refused: the side that does not read them loses its connection, and has another one when it reads.</summary>
    [Fact]
    public async Task Answers_MoreThanASilentClientTakes_EndItsConnectionAndItComesBack()
    {
        await using var cluster = Build(1);
        await cluster.DeployAsync();
        var silo = cluster.Silos[0];
        Held.Release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Held.Count = 0;
        var calls = Enumerable.Range(0, TooMany * 2).Select(i => cluster.Client.GetGrain<IHeldGrain>(i).AnswerAsync(Length)).ToArray();
        await UntilAsync(() => Volatile.Read(ref Held.Count) == calls.Length);

        cluster.Network.Cut(cluster.Client, silo.SiloAddress);
        Held.Release.SetResult();
        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<SiloUnavailableException>(() => call.WaitAsync(Deadline));
        }

        cluster.Network.Heal();
        Assert.Equal("again", (await cluster.Client.GetGrain<IPlaceGrain>(1).WhereAsync("again").WaitAsync(Deadline)).Text);
    }

    [Fact]
    public async Task Requests_MoreThanAGrainMayKeepWaiting_AreRefusedAndTheRestIsServed()
    {
        const int Limit = 5;
        await using var cluster = Build(1, silo => silo.Configure<SiloMessagingOptions>(o => o.MaxEnqueuedRequestsHardLimit = Limit));
        await cluster.DeployAsync();
        var grain = cluster.Client.GetGrain<IHeldGrain>(-1);
        Held.Release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Held.Count = 0;

        var calls = Enumerable.Range(0, Limit * 2).Select(_ => grain.AnswerAsync(1)).ToArray();
        var refused = 0;
        await UntilAsync(() => (refused = calls.Count(c => c.IsFaulted)) == Limit);
        Held.Release.SetResult();

        Assert.All(calls.Where(c => c.IsFaulted), c => Assert.IsType<LimitExceededException>(c.Exception!.InnerException));
        await Task.WhenAll(calls.Where(c => !c.IsFaulted)).WaitAsync(Deadline);
        Assert.Equal(Limit, refused);
    }

    private static InProcessTestCluster Build(short silos, Action<ISiloBuilder>? configure = null)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.UseClustering = true;
        builder.ConfigureSilo((_, silo) => configure?.Invoke(silo));
        return builder.Build();
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!isSo())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Deadline, "It does not become so.");
            await Task.Delay(10);
        }
    }
}

public interface IHeldGrain : IGrainWithIntegerKey
{
    Task<string> AnswerAsync(int length);
}

public sealed class HeldGrain : Grain, IHeldGrain
{
    public async Task<string> AnswerAsync(int length)
    {
        Interlocked.Increment(ref Held.Count);
        await Held.Release.Task;
        return new string('y', length);
    }
}

/// <summary>Seen from both ends, because they share the process.</summary>
internal static class Held
{
    public static int Count;

    public static TaskCompletionSource Release { get; set; } = new();
}
