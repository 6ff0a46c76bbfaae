using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Orleans.Runtime;

namespace Orleans.TestingHost;

/// <summary>Configures the silos of a test cluster.</summary>
public interface ISiloConfigurator
{
    /// <summary>Called for each silo.</summary>
    void Configure(ISiloBuilder siloBuilder);
}

/// <summary>Configures the host of each silo of a test cluster.</summary>
public interface IHostConfigurator
{
    /// <summary>Called for each silo's host.</summary>
    void Configure(IHostBuilder hostBuilder);
}

/// <summary>Configures the client of a test cluster.</summary>
public interface IClientBuilderConfigurator
{
    /// <summary>Called once.</summary>
    void Configure(IConfiguration configuration, IClientBuilder clientBuilder);
}

/// <summary>What a test cluster is made of.</summary>
public sealed class TestClusterOptions
{
    /// <summary>The cluster's id.</summary>
    public string ClusterId { get; set; } = $"test-{Guid.NewGuid():N}";

    /// <summary>The service's id.</summary>
    public string ServiceId { get; set; } = $"test-{Guid.NewGuid():N}";

    /// <summary>Silos at the start. This engine runs one.</summary>
    public short InitialSilosCount { get; set; } = 1;
}

/// <summary>Makes test clusters.</summary>
public sealed class TestClusterBuilder
{
    private readonly List<Action<IHostApplicationBuilder>> _hosts = [];
    private readonly List<Action<ISiloBuilder>> _silos = [];

    /// <summary>A builder for one silo.</summary>
    public TestClusterBuilder()
        : this(1)
    {
    }

    /// <summary>A builder for so many silos; this engine runs one.</summary>
    public TestClusterBuilder(short initialSilosCount)
    {
        if (initialSilosCount != 1)
        {
            throw new NotSupportedException($"{initialSilosCount} silos were asked for; this build of the engine runs one.");
        }

        Options = new TestClusterOptions { InitialSilosCount = initialSilosCount };
    }

    /// <summary>What the cluster is made of.</summary>
    public TestClusterOptions Options { get; }

    /// <summary>Adds a configurator of silos.</summary>
    public TestClusterBuilder AddSiloBuilderConfigurator<TSiloBuilderConfigurator>()
        where TSiloBuilderConfigurator : new()
    {
        if (new TSiloBuilderConfigurator() is ISiloConfigurator configurator)
        {
            _silos.Add(configurator.Configure);
        }

        return this;
    }

    /// <summary>The cluster, not started yet.</summary>
    public TestCluster Build() => new(Options, _hosts, _silos);
}

/// <summary>A cluster in this process.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    private readonly IReadOnlyList<Action<IHostApplicationBuilder>> _hosts;
    private readonly IReadOnlyList<Action<ISiloBuilder>> _silos;
    private IHost? _host;

    internal TestCluster(TestClusterOptions options, IReadOnlyList<Action<IHostApplicationBuilder>> hosts, IReadOnlyList<Action<ISiloBuilder>> silos)
    {
        Options = options;
        _hosts = hosts;
        _silos = silos;
    }

    /// <summary>What the cluster is made of.</summary>
    public TestClusterOptions Options { get; }

    /// <summary>The cluster's client.</summary>
    public IClusterClient Client => Host.Services.GetRequiredService<IClusterClient>();

    /// <summary>The client's factory.</summary>
    public IGrainFactory GrainFactory => Client;

    /// <summary>The client's services; this engine's client shares the silo's.</summary>
    public IServiceProvider ServiceProvider => Host.Services;

    private IHost Host => _host ?? throw new InvalidOperationException("The cluster is not deployed.");

    /// <summary>Starts the silo.</summary>
    public async Task DeployAsync()
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        foreach (var configure in _hosts)
        {
            configure(builder);
        }

        builder.UseOrleans(silo =>
        {
            silo.Configure<Configuration.ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (Options.ClusterId, Options.ServiceId));
            foreach (var configure in _silos)
            {
                configure(silo);
            }
        });
        _host = builder.Build();
        await _host.StartAsync();
    }

    /// <summary>Starts the silo and blocks until it runs.</summary>
    public void Deploy() => Task.Run(DeployAsync).GetAwaiter().GetResult();

    /// <summary>Stops the silo in an orderly way.</summary>
    public async Task StopAllSilosAsync()
    {
        if (_host is not null)
        {
            await _host.StopAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_host is null)
        {
            return;
        }

        await _host.StopAsync();
        if (_host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }

        _host = null;
    }
}
