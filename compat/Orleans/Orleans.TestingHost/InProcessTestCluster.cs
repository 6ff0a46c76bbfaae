using Microsoft.Extensions.Hosting;
using Orleans.Hosting;
using Orleans.Runtime;

namespace Orleans.TestingHost;

/// <summary>What a configurator is told about the silo that it configures.</summary>
public sealed class InProcessTestSiloSpecificOptions
{
    internal InProcessTestSiloSpecificOptions(string siloName) => SiloName = siloName;

    /// <summary>The silo's name.</summary>
    public string SiloName { get; }
}

/// <summary>Makes test clusters that are configured by delegates.</summary>
public sealed class InProcessTestClusterBuilder
{
    private readonly List<Action<string, IHostApplicationBuilder>> _hosts = [];
    private readonly List<Action<string, ISiloBuilder>> _silos = [];
    private readonly List<Action<IClientBuilder>> _clients = [];

    /// <summary>A builder for so many silos.</summary>
    public InProcessTestClusterBuilder(short initialSilosCount = 1) =>
        Options = new TestClusterOptions { InitialSilosCount = initialSilosCount };

    /// <summary>What the cluster is made of.</summary>
    public TestClusterOptions Options { get; }

    /// <summary>Configures each silo.</summary>
    public InProcessTestClusterBuilder ConfigureSilo(Action<InProcessTestSiloSpecificOptions, ISiloBuilder> configureSiloDelegate)
    {
        _silos.Add((name, silo) => configureSiloDelegate(new InProcessTestSiloSpecificOptions(name), silo));
        return this;
    }

    /// <summary>Configures the host of each silo.</summary>
    public InProcessTestClusterBuilder ConfigureSiloHost(Action<InProcessTestSiloSpecificOptions, IHostApplicationBuilder> configureSiloHostDelegate)
    {
        _hosts.Add((name, host) => configureSiloHostDelegate(new InProcessTestSiloSpecificOptions(name), host));
        return this;
    }

    /// <summary>Configures each client.</summary>
    public InProcessTestClusterBuilder ConfigureClient(Action<IClientBuilder> configureClientDelegate)
    {
        _clients.Add(configureClientDelegate);
        return this;
    }

    /// <summary>The cluster, not started yet.</summary>
    public InProcessTestCluster Build() => new(new TestCluster(Options, _hosts, _silos) { ClientConfigurators = _clients });
}

/// <summary>A cluster in this process that was configured by delegates.</summary>
public sealed class InProcessTestCluster : IAsyncDisposable
{
    private readonly TestCluster _cluster;

    internal InProcessTestCluster(TestCluster cluster) => _cluster = cluster;

    /// <summary>What the cluster is made of.</summary>
    public TestClusterOptions Options => _cluster.Options;

    /// <summary>The cluster's client.</summary>
    public IClusterClient Client => _cluster.Client;

    /// <summary>The silos that run.</summary>
    public IReadOnlyList<SiloHandle> Silos => _cluster.Silos;

    /// <summary>The network between silos and clients.</summary>
    public TestNetwork Network => _cluster.Network;

    /// <summary>The services of a silo; the first one's when none is named.</summary>
    public IServiceProvider GetSiloServiceProvider(SiloAddress? silo = null) =>
        (silo is null ? _cluster.Primary : _cluster.Silos.First(s => s.SiloAddress == silo)).ServiceProvider;

    /// <summary>Starts one more silo.</summary>
    public Task<SiloHandle> StartAdditionalSiloAsync() => _cluster.StartAdditionalSiloAsync();

    /// <summary>Stops a silo in an orderly way: it hands its grains over.</summary>
    public Task StopSiloAsync(SiloHandle silo) => _cluster.StopSiloAsync(silo);

    /// <summary>Ends a silo as a killed process ends.</summary>
    public Task KillSiloAsync(SiloHandle silo) => _cluster.KillSiloAsync(silo);

    /// <summary>Waits until every silo and client that runs knows exactly the silos that run.</summary>
    public Task WaitForLivenessToStabilizeAsync(bool didKill = false) => _cluster.WaitForLivenessToStabilizeAsync(didKill);

    /// <summary>Starts one more client.</summary>
    public Task<IClusterClient> AddClientAsync() => _cluster.AddClientAsync();

    /// <summary>Starts the silo.</summary>
    public Task DeployAsync() => _cluster.DeployAsync();

    /// <summary>Stops the silo in an orderly way.</summary>
    public Task StopAllSilosAsync() => _cluster.StopAllSilosAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
