using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VoiceCluster.Bench.Engine.Grains;

namespace VoiceCluster.Bench.Engine.Processes;

/// <summary>Some silos, each a process, and a client in this one.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private readonly string _id;
    private readonly string _table;
    private readonly List<IHost> _clients = [];

    private Cluster(string id, string table) => (_id, _table) = (id, table);

    public List<Child> Silos { get; } = [];

    public IClusterClient Client => _clients[0].Services.GetRequiredService<IClusterClient>();

    /// <param name="inner">How many of the silos, the last ones, take no clients.</param>
    public static async Task<Cluster> StartAsync(string table, int silos, int inner = 0)
    {
        var cluster = new Cluster($"bench-{Guid.NewGuid():N}", table);
        for (var i = 0; i < silos; i++)
        {
            await cluster.AddSiloAsync(takesClients: i < silos - inner);
        }

        await cluster.AddClientAsync();
        await cluster.UntilServingAsync(silos);
        return cluster;
    }

    public async Task<Child> AddSiloAsync(bool takesClients = true)
    {
        var silo = takesClients ? await Child.StartAsync(_id, _table) : await Child.StartAsync(_id, _table, SiloProcess.Inner);
        Silos.Add(silo);
        return silo;
    }

    public async Task<IClusterClient> AddClientAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        builder.UseOrleansClient(client =>
        {
            client.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = ("Npgsql", _table));
            client.Configure<Orleans.Configuration.ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (_id, "bench"));
        });
        var host = builder.Build();
        await host.StartAsync();
        _clients.Add(host);
        return host.Services.GetRequiredService<IClusterClient>();
    }

    /// <summary>Keys of grains that live in a silo, of any when it is null.</summary>
    public async Task<long[]> KeysAsync(Child silo, int count, Func<long, Task<int>> where)
    {
        var keys = new List<long>();
        for (var key = 0L; keys.Count < count; key++)
        {
            if (await where(key) == silo.Id)
            {
                keys.Add(key);
            }
        }

        return [.. keys];
    }

    public Task<long[]> EchoKeysAsync(Child silo, int count) => KeysAsync(silo, count, k => Client.GetGrain<IEchoGrain>(k).WhereAsync());

    public Task<long[]> CallerKeysAsync(Child silo, int count) => KeysAsync(silo, count, k => Client.GetGrain<ICallerGrain>(k).WhereAsync());

    /// <summary>Ends when grains are seen to live in so many silos.</summary>
    public async Task UntilServingAsync(int silos)
    {
        var deadline = Environment.TickCount64 + 30_000;
        while (true)
        {
            var seen = new HashSet<int>();
            for (var key = 0; key < 64 * silos; key++)
            {
                seen.Add(await Client.GetGrain<IEchoGrain>(key).WhereAsync());
            }

            if (seen.Count == silos)
            {
                return;
            }

            if (Environment.TickCount64 > deadline)
            {
                throw new TimeoutException($"{seen.Count} of {silos} silos serve.");
            }

            await Task.Delay(100);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.StopAsync();
            client.Dispose();
        }

        foreach (var silo in Silos)
        {
            await silo.DisposeAsync();
        }
    }
}
