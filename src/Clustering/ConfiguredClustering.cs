using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using VoiceCluster.PostgreSql;

namespace VoiceCluster.Clustering;

/// <summary>
/// The membership table that the configuration names: Redis when <c>REDIS_URL</c> is set, else PostgreSQL when
/// <c>DATABASE_URL</c> is. It is the same source for both engines.
/// </summary>
public static class ConfiguredClustering
{
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
