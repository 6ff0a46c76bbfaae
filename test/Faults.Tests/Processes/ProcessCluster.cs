using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using VoiceCluster.Clustering;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>Silos as processes, a client in this one, and the ways between them all.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private const string Secret = "the secret of a fault test";

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly ServerFixture _servers;
    private readonly Dictionary<string, string> _settings = [];
    private readonly List<SiloProcess?> _silos;
    private readonly TimeSpan _probe;
    private readonly bool _onRedis;
    private readonly List<IHost> _strangers = [];
    private readonly List<SiloProcess> _strangeSilos = [];
    private IHost? _client;
    private int _started;

    /// <param name="onRedis">Whether the membership table is Redis; else PostgreSQL.</param>
    /// <param name="probe">ProbeTimeout; zero for the shipped settings.</param>
    public ProcessCluster(ServerFixture servers, int silos, bool onRedis, NetworkNamespaces? network, TimeSpan probe)
    {
        (_servers, Network, _probe, _onRedis) = (servers, network, probe, onRedis);
        _silos = [.. new SiloProcess?[silos]];
    }

    public NetworkNamespaces? Network { get; }

    /// <summary>Settings of every silo and of the client, beside those of the cluster itself.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings of the silo at one place.</summary>
    public Func<int, IReadOnlyDictionary<string, string>> SettingsAt { get; init; } = _ => new Dictionary<string, string>();

    /// <summary>How long the client waits for an answer; null for what the probes' time says.</summary>
    public TimeSpan? ResponseTimeout { get; init; }

    /// <summary>What the silos reach PostgreSQL by.</summary>
    public Forwarder Database { get; private set; } = null!;

    /// <summary>What the silos reach the membership table by; the same when it is PostgreSQL.</summary>
    public Forwarder Table { get; private set; } = null!;

    /// <summary>Places, of silos that live and of those that have ended.</summary>
    public int Count => _silos.Count;

    public IClusterClient Client => _client!.Services.GetRequiredService<IClusterClient>();

    /// <summary>Those that live, and whose place each has.</summary>
    public IEnumerable<(int Place, SiloProcess Silo)> Living =>
        _silos.Select((s, i) => (i, s)).Where(s => s.s is { HasExited: false }).Select(s => (s.i, s.s!));

    public SiloProcess At(int place) => _silos[place]!;

    /// <summary>Starts everything.</summary>
    public async Task StartAsync()
    {
        var address = Network is null ? IPAddress.Loopback : IPAddress.Parse(Network.Bridge);
        var database = await _servers.Postgres.CreateDatabaseAsync();
        Database = new Forwarder(address, database.Port);
        Table = _onRedis ? new Forwarder(address, _servers.RedisPort) : Database;
        _settings["DATABASE_URL"] = $"postgres://{database.Username}@{Database.Address}/{database.Database}";
        if (_onRedis)
        {
            _settings["REDIS_URL"] = $"redis://{Table.Address}";
        }

        _settings["CLUSTER_SECRET"] = Secret;
        _settings["Cluster__Id"] = $"faults-{Guid.NewGuid():N}";
        _settings["Cluster__SiloPort"] = _settings["Cluster__GatewayPort"] = "0";
        _settings["PROBE"] = _probe.TotalMilliseconds.ToString(CultureInfo.InvariantCulture);
        foreach (var (key, value) in Settings)
        {
            _settings[key] = value;
        }

        await RestoreAsync(_silos.Count);
        _client = MakeClient(_settings);
        await _client.StartAsync();
    }

    /// <summary>Starts a silo that the cluster knows nothing of but what it writes into the table; it is not waited for.</summary>
    public SiloProcess StartStranger(IReadOnlyDictionary<string, string> settings)
    {
        var silo = SiloProcess.Start($"stranger-{_started++}", Network?.Space(0), With(settings, "127.0.0.1"));
        _strangeSilos.Add(silo);
        return silo;
    }

    /// <summary>Starts a client with settings of its own.</summary>
    public async Task<IClusterClient> StartStrangeClientAsync(IReadOnlyDictionary<string, string> settings)
    {
        var client = MakeClient(With(settings, "127.0.0.1"));
        _strangers.Add(client);
        await client.StartAsync();
        return client.Services.GetRequiredService<IClusterClient>();
    }

    /// <summary>The table's server dies, until it is started again.</summary>
    public Task KillTableAsync() => _onRedis ? _servers.KillRedisAsync() : _servers.KillPostgresAsync();

    /// <inheritdoc cref="KillTableAsync"/>
    public Task RestartTableAsync() => _onRedis ? _servers.RestartRedisAsync() : _servers.RestartPostgresAsync();

    /// <summary>The database server dies, until it is started again.</summary>
    public Task KillDatabaseAsync() => _servers.KillPostgresAsync();

    /// <inheritdoc cref="KillDatabaseAsync"/>
    public Task RestartDatabaseAsync() => _servers.RestartPostgresAsync();

    /// <summary>Starts those of the first places that have ended, and stops those at others.</summary>
    public async Task RestoreAsync(int count)
    {
        foreach (var (_, silo) in Living.Where(s => s.Place >= count).ToArray())
        {
            await silo.SignalAsync("TERM");
            await silo.WaitForExitAsync(StartLimit);
        }

        foreach (var ended in _silos.Skip(count))
        {
            await ended!.DisposeAsync();
        }

        _silos.RemoveRange(Math.Min(count, _silos.Count), Math.Max(0, _silos.Count - count));

        var starting = new List<SiloProcess>();
        for (var i = 0; i < count; i++)
        {
            if (i == _silos.Count)
            {
                _silos.Add(null);
            }

            if (_silos[i] is { HasExited: false })
            {
                continue;
            }

            if (_silos[i] is { } ended)
            {
                await ended.DisposeAsync();
            }

            _silos[i] = Start(i);
            starting.Add(_silos[i]!);
        }

        foreach (var silo in starting)
        {
            await UntilReadyAsync(silo);
        }
    }

    /// <summary>Ends one in order, as an upgrade does, and starts another one in its place.</summary>
    public async Task<SiloProcess> ReplaceAsync(int place, bool isNext)
    {
        var old = _silos[place]!;
        await old.SignalAsync("TERM");
        await old.WaitForExitAsync(StartLimit);
        await old.DisposeAsync();
        var silo = _silos[place] = Start(place, isNext);
        return await silo.AnswerAsync(StartLimit) == "ready"
            ? silo
            : throw new InvalidOperationException($"{silo.Name} did not start:\n{string.Join('\n', silo.Errors)}");
    }

    /// <summary>Starts one more, at a place of its own. When it answers that silo is ready, or has ended because the others have declared it dead meanwhile.</summary>
    public async Task<(int Place, SiloProcess Silo)> AddSiloAsync()
    {
        var place = _silos.Count;
        var silo = Start(place);
        _silos.Add(silo);
        if (await silo.AnswerAsync(StartLimit) is null)
        {
            await silo.WaitForExitAsync(StartLimit);
        }

        return (place, silo);
    }

    /// <summary>The silos that serve, by the management grain; null while it does not answer.</summary>
    public async Task<int?> CountActiveAsync()
    {
        try
        {
            return (await Client.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true)).Count;
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.StopAsync();
            _client.Dispose();
        }

        foreach (var client in _strangers)
        {
            await client.StopAsync();
            client.Dispose();
        }

        foreach (var silo in _silos.Concat(_strangeSilos))
        {
            if (silo is not null)
            {
                await silo.DisposeAsync();
            }
        }

        if (Table is not null)
        {
            await Database.DisposeAsync();
            if (_onRedis)
            {
                await Table.DisposeAsync();
            }
        }

        Network?.Dispose();
    }

    private static async Task UntilReadyAsync(SiloProcess silo)
    {
        if (await silo.AnswerAsync(StartLimit) != "ready")
        {
            throw new InvalidOperationException($"{silo.Name} did not start:\n{string.Join('\n', silo.Errors)}");
        }
    }

    private SiloProcess Start(int place, bool isNext = false) => SiloProcess.Start(
        $"{(isNext ? "next" : "silo")}-{place}-{_started++}", Network?.Space(place), With(SettingsAt(place), Network?.Address(place) ?? "127.0.0.1"), isNext);

    private Dictionary<string, string> With(IReadOnlyDictionary<string, string> settings, string address)
    {
        var all = new Dictionary<string, string>(_settings) { ["Cluster__AdvertisedIp"] = address };
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        return all;
    }

    private IHost MakeClient(Dictionary<string, string> settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key.Replace("__", ":", StringComparison.Ordinal), (string?)s.Value)));
        builder.UseOrleansClient(client =>
        {
            client.UseCluster();
            if (_probe > TimeSpan.Zero)
            {
                client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = TimeSpan.FromSeconds(10));
                client.Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = _probe * 2);
            }

            if (ResponseTimeout is { } timeout)
            {
                client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = timeout);
            }
        });
        return builder.Build();
    }
}
