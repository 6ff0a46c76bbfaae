using Microsoft.Extensions.Hosting;
using Orleans.Hosting;

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
    private const string SiloName = "Silo_0";
    private readonly List<Action<IHostApplicationBuilder>> _hosts = [];
    private readonly List<Action<ISiloBuilder>> _silos = [];

    /// <summary>A builder for so many silos; this engine runs one.</summary>
    public InProcessTestClusterBuilder(short initialSilosCount = 1)
    {
        if (initialSilosCount != 1)
        {
            throw new NotSupportedException($"{initialSilosCount} silos were asked for; this build of the engine runs one.");
        }

        Options = new TestClusterOptions { InitialSilosCount = initialSilosCount };
    }

    /// <summary>What the cluster is made of.</summary>
    public TestClusterOptions Options { get; }

    /// <summary>Configures each silo.</summary>
    public InProcessTestClusterBuilder ConfigureSilo(Action<InProcessTestSiloSpecificOptions, ISiloBuilder> configureSiloDelegate)
    {
        _silos.Add(silo => configureSiloDelegate(new InProcessTestSiloSpecificOptions(SiloName), silo));
        return this;
    }

    /// <summary>Configures the host of each silo.</summary>
    public InProcessTestClusterBuilder ConfigureSiloHost(Action<InProcessTestSiloSpecificOptions, IHostApplicationBuilder> configureSiloHostDelegate)
    {
        _hosts.Add(host => configureSiloHostDelegate(new InProcessTestSiloSpecificOptions(SiloName), host));
        return this;
    }

    /// <summary>The cluster, not started yet.</summary>
    public InProcessTestCluster Build() => new(new TestCluster(Options, _hosts, _silos));
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

    /// <summary>The services of the silo.</summary>
    public IServiceProvider GetSiloServiceProvider() => _cluster.ServiceProvider;

    /// <summary>Starts the silo.</summary>
    public Task DeployAsync() => _cluster.DeployAsync();

    /// <summary>Stops the silo in an orderly way.</summary>
    public Task StopAllSilosAsync() => _cluster.StopAllSilosAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
