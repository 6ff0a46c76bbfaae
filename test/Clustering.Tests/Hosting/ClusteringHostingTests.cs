using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Clustering.Redis;
using Orleans.Configuration;
using Orleans.Messaging;
using VoiceCluster.Clustering.PostgreSql;
using VoiceCluster.Clustering.Redis;
using VoiceCluster.Storage.Tests;

namespace VoiceCluster.Clustering.Tests.Hosting;

/// <summary>The extensions with Orleans' names, on hosts as the processes build them.</summary>
public sealed class ClusteringHostingTests(RedisServer redis, PostgresServer postgres) : IClassFixture<RedisServer>, IClassFixture<PostgresServer>
{
    [Fact]
    public async Task Redis_SiloAndClient_MeetByTheSameUrl()
    {
        using var silo = Build(redis.Address.ToConfigurationString());
        using var client = Build(redis.Address.ToConfigurationString());
        await MeetAsync<RedisMembershipTable>(silo.Services, client.Services);
    }

    [Fact]
    public async Task PostgreSql_SiloAndClient_MeetByTheSameUrl()
    {
        var connection = await postgres.CreateDatabaseAsync();
        var url = $"postgres://{connection.Username}@{connection.Host}:{connection.Port}/{connection.Database}";
        using var silo = Build(databaseUrl: url);
        using var client = Build(databaseUrl: url);
        await MeetAsync<AdoNetMembershipTable>(silo.Services, client.Services);
    }

    [Fact]
    public void Configuration_WithBoth_MeansRedis()
    {
        using var host = Build("redis://127.0.0.1:1", "postgres://u@127.0.0.1:1/d");
        Assert.IsType<RedisMembershipTable>(Assert.IsType<MeteredMembershipTable>(host.Services.GetRequiredService<IMembershipTable>()).Inner);
    }

    [Fact]
    public void Configuration_WithNeither_MeansNoTable()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        Assert.False(new Silo(builder).TryUseConfiguredClustering());
        Assert.False(new Client(builder).TryUseConfiguredClustering());
    }

    [Theory]
    [InlineData("REDIS_URL", "amqp://u:secret@host")]
    [InlineData("DATABASE_URL", "postgres://u:secret@")]
    public void Configuration_WithAFault_IsNamedAtOnceWithoutThePassword(string name, string value)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration[name] = value;
        foreach (var use in (Func<bool>[])[() => new Silo(builder).TryUseConfiguredClustering(), () => new Client(builder).TryUseConfiguredClustering()])
        {
            var error = Assert.Throws<OrleansConfigurationException>(() => use());
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Options_WithFaults_StopTheStartAndNameAll()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        new Silo(builder).UseRedisClustering(o => (o.ConnectionString, o.CommandTimeout, o.MaxReconnectDelay) = ("", TimeSpan.Zero, TimeSpan.Zero));
        using var host = builder.Build();
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Equal(
            ["ConnectionString", "CommandTimeout", "MaxReconnectDelay"],
            error.Failures.Select(f => f.Split(' ', ':')[0]["RedisClusteringOptions.".Length..]));
    }

    [Theory]
    [InlineData("System.Data.SqlClient", "Host=h", "Invariant")]
    [InlineData("Npgsql", "", "names no host")]
    [InlineData("Npgsql", "Colour=blue", "no connection string")]
    public async Task AdoNetOptions_WithAFault_StopTheStart(string invariant, string connection, string reason)
    {
        var silo = Host.CreateEmptyApplicationBuilder(null);
        new Silo(silo).UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (invariant, connection));
        var client = Host.CreateEmptyApplicationBuilder(null);
        new Client(client).UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (invariant, connection));
        foreach (var builder in (HostApplicationBuilder[])[silo, client])
        {
            using var host = builder.Build();
            var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Calls_AreTimedByOperationAndOutcome()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        var seen = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Scope == meters)
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => seen.Add($"{instrument.Name} {string.Join(' ', tags.ToArray().Select(t => t.Value))}"));
        listener.Start();
        await using var table = new MeteredMembershipTable(new InMemoryMembershipTable(), meters, TimeProvider.System);
        var entry = new MembershipEntry { SiloAddress = SiloAddress.FromParsableString("127.0.0.1:1@1") };
        await table.InitializeMembershipTable(true);
        var version = (await table.ReadAll()).Version;
        Assert.True(await table.InsertRow(entry, version.Next()));
        Assert.False(await table.UpdateRow(entry, "none", version.Next()));
        await table.DeleteMembershipTableEntries("cluster");
        await Assert.ThrowsAsync<OrleansException>(() => table.UpdateIAmAlive(entry));
        await table.CleanupDefunctSiloEntries(DateTimeOffset.UnixEpoch);
        await table.ReadRow(entry.SiloAddress);
        Assert.Equal(
            ["initialize ok", "read ok", "insert ok", "update conflict", "delete ok", "alive failed", "cleanup ok", "read ok"],
            seen.Select(s => s["voicecluster.membership.call.duration ".Length..]));
    }

    [Fact]
    public void GatewayUri_BothWays_IsTheSameGateway()
    {
        foreach (var address in (string[])["192.0.2.1", "2001:db8::1"])
        {
            var gateway = SiloAddress.New(new IPEndPoint(IPAddress.Parse(address), 30_000), 12);
            Assert.Equal(gateway, gateway.ToGatewayUri().ToGatewayAddress());
        }

        Assert.Equal("gwy.tcp://192.0.2.1:30000/12", SiloAddress.FromParsableString("192.0.2.1:30000@12").ToGatewayUri().ToString());
        Assert.Throws<FormatException>(() => new Uri("http://192.0.2.1:30000/12").ToGatewayAddress());
        Assert.Throws<FormatException>(() => new Uri("gwy.tcp://host:30000/12").ToGatewayAddress());
    }

    private static async Task MeetAsync<TTable>(IServiceProvider silo, IServiceProvider client)
    {
        var table = silo.GetRequiredService<IMembershipTable>();
        Assert.IsType<TTable>(Assert.IsType<MeteredMembershipTable>(table).Inner);
        await table.InitializeMembershipTable(true);
        foreach (var (port, status, gateway) in new[] { (1, SiloStatus.Active, 30_001), (2, SiloStatus.Active, 0), (3, SiloStatus.Dead, 30_003), (4, SiloStatus.Joining, 30_004) })
        {
            var entry = new MembershipEntry { SiloAddress = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, port), 9), Status = status, ProxyPort = gateway };
            Assert.True(await table.InsertRow(entry, (await table.ReadAll()).Version.Next()));
        }

        var gateways = client.GetRequiredService<IGatewayListProvider>();
        Assert.Equal(TimeSpan.FromSeconds(10), gateways.MaxStaleness);
        await gateways.InitializeGatewayListProvider();
        Assert.Equal(["gwy.tcp://127.0.0.1:30001/9"], (await gateways.GetGateways()).Select(u => u.ToString()));
    }

    private static IHost Build(string? redisUrl = null, string? databaseUrl = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["REDIS_URL"] = redisUrl;
        builder.Configuration["DATABASE_URL"] = databaseUrl;
        builder.Services.Configure<ClusterOptions>(o => (o.ServiceId, o.ClusterId) = ("voice", "one"));
        Assert.True(new Silo(builder).TryUseConfiguredClustering());
        Assert.True(new Client(builder).TryUseConfiguredClustering());
        return builder.Build();
    }

    private sealed class Silo(IHostApplicationBuilder builder) : ISiloBuilder
    {
        public IServiceCollection Services => builder.Services;

        public IConfiguration Configuration => builder.Configuration;
    }

    private sealed class Client(IHostApplicationBuilder builder) : IClientBuilder
    {
        public IServiceCollection Services => builder.Services;

        public IConfiguration Configuration => builder.Configuration;
    }
}
