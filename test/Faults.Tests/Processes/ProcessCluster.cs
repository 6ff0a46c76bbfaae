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
    private readonly SiloProcess?[] _silos;
    private readonly TimeSpan _probe;
    private readonly bool _onRedis;
    private IHost? _client;
    private int _started;

    /// <param name="onRedis">Whether the membership table is Redis; else PostgreSQL.</param>
    /// <param name="probe">ProbeTimeout; zero for the shipped settings.</param>
    public ProcessCluster(ServerFixture servers, int silos, bool onRedis, NetworkNamespaces? network, TimeSpan probe)
    {
        (_servers, Network, _probe, _onRedis) = (servers, network, probe, onRedis);
        _silos = new SiloProcess?[silos];
    }

    public NetworkNamespaces? Network { get; }

    /// <summary>What the silos reach PostgreSQL by.</summary>
    public Forwarder Database { get; private set; } = null!;

    /// <summary>What the silos reach the membership table by; the same when it is PostgreSQL.</summary>
    public Forwarder Table { get; private set; } = null!;

    public int Count => _silos.Length;

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
        await RestoreAsync();
        _client = MakeClient();
        await _client.StartAsync();
    }

    /// <summary>Starts those that have ended.</summary>
    public async Task RestoreAsync()
    {
        var starting = new List<SiloProcess>();
        for (var i = 0; i < _silos.Length; i++)
        {
            if (_silos[i] is { HasExited: false })
            {
                continue;
            }

            if (_silos[i] is { } ended)
            {
                await ended.DisposeAsync();
            }

            var settings = new Dictionary<string, string>(_settings) { ["Cluster__AdvertisedIp"] = Network?.Address(i) ?? "127.0.0.1" };
            _silos[i] = SiloProcess.Start($"silo-{i}-{_started++}", Network?.Space(i), settings);
            starting.Add(_silos[i]!);
        }

        foreach (var silo in starting)
        {
            if (await silo.AnswerAsync(StartLimit) != "ready")
            {
                throw new InvalidOperationException($"{silo.Name} did not start:\n{string.Join('\n', silo.Errors)}");
            }
        }
    }

    /// <summary>Ends one in order, as an upgrade does, and starts another one in its place.</summary>
    public async Task<SiloProcess> ReplaceAsync(int place, bool isNext)
    {
        var old = _silos[place]!;
        await old.SignalAsync("TERM");
        await old.WaitForExitAsync(StartLimit);
        await old.DisposeAsync();
        var settings = new Dictionary<string, string>(_settings) { ["Cluster__AdvertisedIp"] = Network?.Address(place) ?? "127.0.0.1" };
        var silo = _silos[place] = SiloProcess.Start($"{(isNext ? "next" : "silo")}-{place}-{_started++}", Network?.Space(place), settings, isNext);
        return await silo.AnswerAsync(StartLimit) == "ready"
            ? silo
            : throw new InvalidOperationException($"{silo.Name} did not start:\n{string.Join('\n', silo.Errors)}");
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

        foreach (var silo in _silos)
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

    private IHost MakeClient()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        builder.Configuration.AddInMemoryCollection(_settings.Select(s => KeyValuePair.Create(s.Key.Replace("__", ":", StringComparison.Ordinal), (string?)s.Value)));
        builder.UseOrleansClient(client =>
        {
            client.UseCluster();
            if (_probe > TimeSpan.Zero)
            {
                client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = TimeSpan.FromSeconds(10));
            }
        });
        return builder.Build();
    }
}
