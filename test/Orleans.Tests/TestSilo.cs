using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests;

/// <summary>A silo on the real clock, shared by the tests of a class.</summary>
public sealed class SiloFixture : IAsyncLifetime
{
    private InProcessTestCluster? _cluster;

    public IClusterClient Client => _cluster!.Client;

    public async Task InitializeAsync()
    {
        _cluster = TestSilo.Build(silo => silo.AddMemoryGrainStorageAsDefault().AddMemoryGrainStorage("store"));
        await _cluster.DeployAsync();
    }

    public async Task DisposeAsync() => await _cluster!.DisposeAsync();
}

internal static class TestSilo
{
    public static InProcessTestCluster Build(Action<ISiloBuilder> configure)
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) => configure(silo));
        return builder.Build();
    }

    public static async Task<InProcessTestCluster> StartAsync(Action<ISiloBuilder> configure)
    {
        var cluster = Build(configure);
        await cluster.DeployAsync();
        return cluster;
    }

    /// <summary>A silo whose clock the test moves.</summary>
    public static Task<InProcessTestCluster> StartAsync(ManualTime time, Action<ISiloBuilder>? configure = null) => StartAsync(silo =>
    {
        silo.Services.AddSingleton<TimeProvider>(time);
        silo.AddMemoryGrainStorageAsDefault().AddMemoryGrainStorage("store").UseInMemoryReminderService();
        configure?.Invoke(silo);
    });
}
