using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Runtime.Clients;
using Orleans.Runtime.Networking;

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

/// <summary>What the silos and clients of a test cluster speak over.</summary>
public enum ConnectionTransportType
{
    /// <summary>TCP on the loopback interface.</summary>
    TcpSocket = 0,

    /// <summary>Memory of this process.</summary>
    InMemory = 1,
}

/// <summary>What a test cluster is made of.</summary>
public sealed class TestClusterOptions
{
    /// <summary>The cluster's id.</summary>
    public string ClusterId { get; set; } = $"test-{Guid.NewGuid():N}";

    /// <summary>The service's id.</summary>
    public string ServiceId { get; set; } = $"test-{Guid.NewGuid():N}";

    /// <summary>Silos at the start.</summary>
    public short InitialSilosCount { get; set; } = 1;

    /// <summary>Whether a single silo listens, so that others can join it later. Several always do.</summary>
    public bool UseClustering { get; set; }

    /// <summary>What silos and clients speak over.</summary>
    public ConnectionTransportType ConnectionTransport { get; set; } = ConnectionTransportType.InMemory;

    /// <summary>The membership table; null for one in memory.</summary>
    public IMembershipTable? MembershipTable { get; set; }

    /// <summary>The clock of every silo and client: the system's, or a <see cref="TestClock"/>.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}

/// <summary>Makes test clusters.</summary>
public sealed class TestClusterBuilder
{
    private readonly List<Action<string, IHostApplicationBuilder>> _hosts = [];
    private readonly List<Action<string, ISiloBuilder>> _silos = [];

    /// <summary>A builder for one silo.</summary>
    public TestClusterBuilder()
        : this(1)
    {
    }

    /// <summary>A builder for so many silos.</summary>
    public TestClusterBuilder(short initialSilosCount)
    {
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
            _silos.Add((_, silo) => configurator.Configure(silo));
        }

        return this;
    }

    /// <summary>The cluster, not started yet.</summary>
    public TestCluster Build() => new(Options, _hosts, _silos);
}

/// <summary>A cluster in this process. Several silos speak over connections, as processes would.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    private static readonly TimeSpan LivenessLimit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LivenessStep = TimeSpan.FromMilliseconds(10);

    private readonly IReadOnlyList<Action<string, IHostApplicationBuilder>> _hosts;
    private readonly IReadOnlyList<Action<string, ISiloBuilder>> _silos;
    private readonly List<SiloHandle> _handles = [];
    private readonly List<IHost> _clients = [];
    private readonly IMembershipTable? _table;
    private readonly IClusterTransport? _transport;
    private int _started;

    internal TestCluster(
        TestClusterOptions options, IReadOnlyList<Action<string, IHostApplicationBuilder>> hosts, IReadOnlyList<Action<string, ISiloBuilder>> silos)
    {
        Options = options;
        _hosts = hosts;
        _silos = silos;
        Network = new TestNetwork(options.TimeProvider);
        _transport = options.ConnectionTransport == ConnectionTransportType.InMemory ? new MemoryTransport() : null;
        _table = options.InitialSilosCount > 1 || options.UseClustering ? options.MembershipTable ?? new InMemoryMembershipTable() : null;
    }

    /// <summary>What the cluster is made of.</summary>
    public TestClusterOptions Options { get; }

    internal IReadOnlyList<Action<IClientBuilder>> ClientConfigurators { get; init; } = [];

    /// <summary>The network between silos and clients.</summary>
    public TestNetwork Network { get; }

    /// <summary>The silos that run.</summary>
    public IReadOnlyList<SiloHandle> Silos => [.. _handles.Where(h => h.IsActive)];

    /// <summary>The first silo.</summary>
    public SiloHandle Primary => _handles[0];

    /// <summary>The cluster's client.</summary>
    public IClusterClient Client => (_clients.Count > 0 ? _clients[0] : Host).Services.GetRequiredService<IClusterClient>();

    /// <summary>The client's factory.</summary>
    public IGrainFactory GrainFactory => Client;

    /// <summary>The client's services; the client of a silo that is alone shares the silo's.</summary>
    public IServiceProvider ServiceProvider => (_clients.Count > 0 ? _clients[0] : Host).Services;

    private IHost Host => _host ?? throw new InvalidOperationException("The cluster is not deployed.");

    private IHost? _host;

    /// <summary>Starts the silos and the client.</summary>
    public async Task DeployAsync()
    {
        for (var i = 0; i < Options.InitialSilosCount; i++)
        {
            await StartAdditionalSiloAsync();
        }

        if (_table is not null)
        {
            await AddClientAsync();
        }

        await WaitForLivenessToStabilizeAsync();
    }

    /// <summary>Waits until every silo and client that runs knows exactly the silos that run.</summary>
    public async Task WaitForLivenessToStabilizeAsync(bool didKill = false)
    {
        // On a clock that runs by itself this is its time: then nothing here depends on the machine.
        var time = Options.TimeProvider is TestClock { IsRunning: false } ? TimeProvider.System : Options.TimeProvider;
        for (var since = time.GetTimestamp(); _table is not null && !AllAgree();)
        {
            if (time.GetElapsedTime(since) > LivenessLimit)
            {
                throw new TimeoutException($"The silos and clients did not agree within {LivenessLimit}.");
            }

            await Task.Delay(LivenessStep, time);
        }
    }

    private bool AllAgree()
    {
        SiloHandle[] handles = [.. _handles.Where(h => h is { IsActive: true, HasEnded: false })];
        var running = handles.Select(h => h.SiloAddress).ToHashSet();
        return handles.Select(h => h.Runtime.Cluster!.Oracle.View)
            .Concat(_clients.Select(c => c.Services.GetRequiredService<ClientRuntime>().View))
            .All(v => running.SetEquals(v.Active.Select(m => m.Silo)));
    }

    /// <summary>Starts the silos and blocks until they run.</summary>
    public void Deploy() => Task.Run(DeployAsync).GetAwaiter().GetResult();

    /// <summary>Starts one more silo.</summary>
    public async Task<SiloHandle> StartAdditionalSiloAsync()
    {
        if (_table is null && _handles.Count > 0)
        {
            throw new InvalidOperationException("The cluster was made for one silo: set TestClusterOptions.UseClustering.");
        }

        var name = $"Silo_{_started++}";
        var builder = MakeBuilder(Options.TimeProvider);
        foreach (var configure in _hosts)
        {
            configure(name, builder);
        }

        builder.UseOrleans(silo =>
        {
            silo.Configure<Configuration.ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (Options.ClusterId, Options.ServiceId));
            silo.Configure<Configuration.SiloOptions>(o => o.SiloName = name);
            if (_table is not null)
            {
                silo.Services.AddSingleton(_table);
                silo.Services.AddSingleton<INetworkFaults>(Network);
                if (_transport is not null)
                {
                    silo.Services.AddSingleton(_transport);
                }

                silo.Configure<Configuration.EndpointOptions>(o =>
                {
                    // Any free ports, so that clusters can run beside each other.
                    (o.SiloPort, o.GatewayPort) = (0, 0);
                    o.GatewayListeningEndpoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0);
                });
            }

            foreach (var configure in _silos)
            {
                configure(name, silo);
            }
        });
        var host = builder.Build();
        _host ??= host;
        var handle = new SiloHandle(name, host, Options.TimeProvider);
        _handles.Add(handle);
        await handle.StartAsync();
        return handle;
    }

    /// <summary>Stops a silo in an orderly way: it hands its grains over.</summary>
    public Task StopSiloAsync(SiloHandle instance) => instance.StopSiloAsync(stopGracefully: true);

    /// <summary>Ends a silo as a killed process ends.</summary>
    public Task KillSiloAsync(SiloHandle instance) => instance.StopSiloAsync(stopGracefully: false);

    /// <summary>Starts one more client.</summary>
    public async Task<IClusterClient> AddClientAsync()
    {
        var builder = MakeBuilder(Options.TimeProvider);
        builder.UseOrleansClient(client =>
        {
            client.Configure<Configuration.ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (Options.ClusterId, Options.ServiceId));
            client.Services.AddSingleton(_table!);
            client.Services.AddSingleton<INetworkFaults>(Network);
            if (_transport is not null)
            {
                client.Services.AddSingleton(_transport);
            }

            client.Services.AddSingleton<Messaging.IGatewayListProvider, Messaging.MembershipTableGatewayListProvider>();
            foreach (var configure in ClientConfigurators)
            {
                configure(client);
            }
        });
        var host = builder.Build();
        _clients.Add(host);
        await host.StartAsync();
        return host.Services.GetRequiredService<IClusterClient>();
    }

    /// <summary>Stops the silos in an orderly way.</summary>
    public async Task StopAllSilosAsync()
    {
        foreach (var silo in _handles)
        {
            await silo.StopSiloAsync(stopGracefully: true);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Network.Heal();
        foreach (var client in _clients)
        {
            await client.StopAsync();
            await DisposeAsync(client);
        }

        _clients.Clear();
        await StopAllSilosAsync();
        _handles.Clear();
        _host = null;
    }

    private static HostApplicationBuilder MakeBuilder(TimeProvider time)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(time);

        // SiloHandle limits the time to stop, on the cluster's clock.
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        return builder;
    }

    private static async ValueTask DisposeAsync(IHost host)
    {
        if (host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }
}
