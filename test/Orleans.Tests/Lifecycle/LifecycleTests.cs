using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;

namespace VoiceCluster.Engine.Tests.Lifecycle;

public interface ILifeGrain : IGrainWithStringKey
{
    Task PingAsync();

    Task<int> HoldAndEndAsync();

    Task KeepAsync(TimeSpan time);
}

public interface ILastingGrain : ILifeGrain;

public interface IBrokenGrain : IGrainWithStringKey
{
    Task PingAsync();
}

public abstract class LifeGrainBase : Grain, ILifeGrain
{
    private Probe Probe => Probe.Of(this.GetPrimaryKeyString());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        Probe.Increment();
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await Task.Yield();
        Probe.Add($"{reason.ReasonCode}");
    }

    public Task PingAsync() => Task.CompletedTask;

    public async Task<int> HoldAndEndAsync()
    {
        DeactivateOnIdle();
        Probe.Add("holds");
        await Probe.Gate;
        Probe.Add("released");
        return Probe.Count;
    }

    public Task KeepAsync(TimeSpan time)
    {
        DelayDeactivation(time);
        return Task.CompletedTask;
    }
}

public sealed class LifeGrain : LifeGrainBase;

[CollectionAgeLimit(AlwaysActive = true)]
public sealed class LastingGrain : LifeGrainBase, ILastingGrain;

public sealed class BrokenGrain : Grain, IBrokenGrain
{
    public override Task OnActivateAsync(CancellationToken cancellationToken) =>
        Probe.Of(this.GetPrimaryKeyString()).Increment() == 1
            ? throw new InvalidDataException("not yet")
            : Task.CompletedTask;

    public Task PingAsync() => Task.CompletedTask;
}

public sealed class LifecycleTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly ManualTime _time = new();
    private readonly string _key = Probe.NewKey();

    private Probe Probe => Probe.Of(_key);

    [Fact]
    public async Task DeactivateOnIdle_LetsTheRequestEndAndServesLaterOnesAnew()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var grain = cluster.Client.GetGrain<ILifeGrain>(_key);
        var holds = grain.HoldAndEndAsync();
        await Probe.SeesAsync("holds");
        var later = grain.PingAsync();
        Probe.Open();
        Assert.Equal(1, await holds);
        await later;
        Assert.Equal(["holds", "released", nameof(DeactivationReasonCode.ApplicationRequested)], Probe.Log);
        Assert.Equal(2, Probe.Count);
    }

    [Fact]
    public async Task Activation_ThatFails_FailsItsCallsAndTheNextOneTriesAgain()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var grain = cluster.Client.GetGrain<IBrokenGrain>(_key);
        Assert.Equal("not yet", (await Assert.ThrowsAsync<InvalidDataException>(grain.PingAsync)).Message);
        await grain.PingAsync();
    }

    [Fact]
    public async Task IdleActivation_AfterItsAge_IsCollected()
    {
        await using var cluster = await TestSilo.StartAsync(_time, silo => silo.Configure<GrainCollectionOptions>(o =>
        {
            o.CollectionAge = Minute * 4;
            o.CollectionQuantum = Minute;
        }));
        var grain = cluster.Client.GetGrain<ILifeGrain>(_key);
        await grain.PingAsync();
        _time.Advance(Minute * 3);
        await grain.PingAsync();
        _time.Advance(Minute * 3);
        await grain.PingAsync();
        Assert.Equal(1, Probe.Count);
        _time.Advance(Minute * 4);
        await Probe.SeesAsync(nameof(DeactivationReasonCode.ActivationIdle));
    }

    [Fact]
    public async Task IdleActivation_DelayedOrAlwaysActive_IsKept()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var lasting = Probe.NewKey();
        await cluster.Client.GetGrain<ILastingGrain>(lasting).PingAsync();
        await cluster.Client.GetGrain<ILifeGrain>(_key).KeepAsync(TimeSpan.FromHours(2));
        _time.Advance(TimeSpan.FromHours(1));
        await cluster.Client.GetGrain<ILastingGrain>(lasting).PingAsync();
        await cluster.Client.GetGrain<ILifeGrain>(_key).PingAsync();
        Assert.Equal(1, Probe.Count);
        Assert.Equal(1, Probe.Of(lasting).Count);
    }

    [Fact]
    public async Task ManagementGrain_CountsAndCollects()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var management = cluster.Client.GetGrain<IManagementGrain>(0);
        await cluster.Client.GetGrain<ILifeGrain>(_key).PingAsync();
        var statistics = await management.GetSimpleGrainStatistics();
        Assert.Equal(1, statistics.Single(s => s.GrainType == typeof(LifeGrain).FullName).ActivationCount);
        Assert.Equal(2, await management.GetTotalActivationCount());
        await management.ForceActivationCollection(TimeSpan.Zero);
        Assert.Equal([nameof(DeactivationReasonCode.ActivationIdle)], Probe.Log);
        Assert.Equal(1, await management.GetTotalActivationCount());
    }

    [Fact]
    public async Task SiloStop_EndsEveryActivation()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        string[] keys = [.. Enumerable.Range(0, 100).Select(_ => Probe.NewKey())];
        await Task.WhenAll(keys.Select(k => cluster.Client.GetGrain<ILifeGrain>(k).PingAsync()));
        await cluster.StopAllSilosAsync();
        Assert.All(keys, k => Assert.Equal([nameof(DeactivationReasonCode.ShuttingDown)], Probe.Of(k).Log));
    }

    [Fact]
    public async Task SiloLifecycle_RunsParticipantsByStageAndBackwards()
    {
        var parts = new Parts(Probe);
        await using (var cluster = await TestSilo.StartAsync(_time, silo => silo
            .AddStartupTask((services, _) =>
            {
                Probe.Add($"task {services.GetService<IGrainFactory>() is not null}");
                return Task.CompletedTask;
            })
            .Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(parts)))
        {
            Assert.Equal(["storage", "application", "task True"], Probe.Log);
        }

        Assert.Equal(["storage", "application", "task True", "application stops", "storage stops"], Probe.Log);
    }

    private sealed class Parts(Probe probe) : ILifecycleParticipant<ISiloLifecycle>
    {
        public void Participate(ISiloLifecycle lifecycle)
        {
            Subscribe("application", ServiceLifecycleStage.ApplicationServices);
            Subscribe("storage", ServiceLifecycleStage.RuntimeStorageServices);

            void Subscribe(string name, int stage) => lifecycle.Subscribe(name, stage, _ => Note(name), _ => Note($"{name} stops"));
        }

        private Task Note(string entry)
        {
            probe.Add(entry);
            return Task.CompletedTask;
        }
    }
}
