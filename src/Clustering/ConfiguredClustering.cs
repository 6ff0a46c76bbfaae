using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using VoiceCluster.PostgreSql;

namespace VoiceCluster.Clustering;

/// <summary>
/// The membership table that the configuration names: Redis when <c>REDIS_URL</c> is set, else PostgreSQL when
/// <c>DATABASE_URL</c> is. It is the same source for both engines.
/// </summary>
public static class ConfiguredClustering
{
    private const string NoTable =
        "REDIS_URL or DATABASE_URL must be set: the processes of a cluster find each other there. For one process without servers use src/Standalone.";

    /// <summary>
    /// Makes a silo one of a cluster when the configuration names a table. Without one it stays alone, unless it has to have
    /// others (<paramref name="isStandalone"/> is false).
    /// </summary>
    /// <exception cref="OrleansConfigurationException">The configuration is wrong.</exception>
    public static ISiloBuilder UseCluster(this ISiloBuilder silo, bool isStandalone)
    {
        var isClustered = silo.TryUseConfiguredClustering();
        if (!isClustered && !isStandalone)
        {
            throw new OrleansConfigurationException(NoTable);
        }

        if (!isClustered)
        {
            return silo.UseLocalhostClustering();
        }

        var settings = ClusterSettings.Read(silo.Configuration, isStandalone);
        ClusterSecurity.Apply(silo.Services, settings);
        return silo
            .Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (settings.Id, settings.Id))
            .Configure<EndpointOptions>(o =>
            {
                o.AdvertisedIPAddress = settings.Advertised;
                o.SiloPort = settings.SiloPort;
                o.GatewayPort = settings.GatewayPort;
                o.SiloListeningEndpoint = new IPEndPoint(settings.Listening, settings.SiloPort);
                o.GatewayListeningEndpoint = new IPEndPoint(settings.Listening, settings.GatewayPort);
            });
    }

    /// <summary>Makes a process a client of the cluster whose table the configuration names.</summary>
    /// <exception cref="OrleansConfigurationException">The configuration is wrong, or names no table.</exception>
    public static IClientBuilder UseCluster(this IClientBuilder client)
    {
        if (!client.TryUseConfiguredClustering())
        {
            throw new OrleansConfigurationException(NoTable);
        }

        var settings = ClusterSettings.Read(client.Configuration, isStandalone: false);
        ClusterSecurity.Apply(client.Services, settings);
        return client.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (settings.Id, settings.Id));
    }

    /// <summary>Configures a silo; false when the configuration names no table.</summary>
    /// <exception cref="OrleansConfigurationException">The address is wrong.</exception>
    public static bool TryUseConfiguredClustering(this ISiloBuilder silo)
    {
        if (TryGetRedis(silo.Configuration, out var redis))
        {
            silo.UseRedisClustering(redis);
            return true;
        }

        if (TryGetPostgreSql(silo.Configuration, out var database))
        {
            silo.UseAdoNetClustering(o =>
            {
                o.Invariant = "Npgsql";
                o.ConnectionString = database;
            });
            return true;
        }

        return false;
    }

    /// <summary>Configures a client; false when the configuration names no table.</summary>
    /// <exception cref="OrleansConfigurationException">The address is wrong.</exception>
    public static bool TryUseConfiguredClustering(this IClientBuilder client)
    {
        if (TryGetRedis(client.Configuration, out var redis))
        {
            client.UseRedisClustering(redis);
            return true;
        }

        if (TryGetPostgreSql(client.Configuration, out var database))
        {
            client.UseAdoNetClustering(o =>
            {
                o.Invariant = "Npgsql";
                o.ConnectionString = database;
            });
            return true;
        }

        return false;
    }

    private static bool TryGetRedis(IConfiguration configuration, [NotNullWhen(true)] out string? connection)
    {
        connection = null;
        if (configuration["REDIS_URL"] is not { Length: > 0 } url)
        {
            return false;
        }

        connection = RedisAddress.TryParse(url, out var address, out var error)
            ? address.ToConfigurationString()
            : throw new OrleansConfigurationException($"REDIS_URL: {error}");
        return true;
    }

    private static bool TryGetPostgreSql(IConfiguration configuration, [NotNullWhen(true)] out string? connection)
    {
        connection = null;
        if (configuration["DATABASE_URL"] is not { Length: > 0 } url)
        {
            return false;
        }

        connection = DatabaseUrl.TryParse(url, out var builder, out var error) ? builder.ConnectionString : throw new OrleansConfigurationException(error);
        return true;
    }
}
