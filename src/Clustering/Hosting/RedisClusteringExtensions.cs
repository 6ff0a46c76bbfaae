using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Clustering.Redis;
using Orleans.Configuration;
using Orleans.Messaging;
using VoiceCluster.Clustering;
using VoiceCluster.Clustering.Redis;
using VoiceCluster.Clustering.Resp;

namespace Microsoft.Extensions.Hosting;

/// <summary>Silos that meet in Redis.</summary>
public static class RedisClusteringISiloBuilderExtensions
{
    /// <summary>Keeps the membership table in Redis.</summary>
    public static ISiloBuilder UseRedisClustering(this ISiloBuilder builder, Action<RedisClusteringOptions> configuration)
    {
        RedisClusteringServices.AddOptions(builder.Services, configuration);
        builder.Services.Replace(ServiceDescriptor.Singleton<IMembershipTable>(RedisClusteringServices.OpenTable));
        return builder;
    }

    /// <summary>Keeps the membership table in Redis.</summary>
    public static ISiloBuilder UseRedisClustering(this ISiloBuilder builder, string redisConnectionString) =>
        builder.UseRedisClustering(o => o.ConnectionString = redisConnectionString);
}

/// <summary>Clients that find gateways in Redis.</summary>
public static class RedisClusteringIClientBuilderExtensions
{
    /// <summary>Finds gateways by the membership table in Redis.</summary>
    public static IClientBuilder UseRedisClustering(this IClientBuilder builder, Action<RedisClusteringOptions> configuration)
    {
        RedisClusteringServices.AddOptions(builder.Services, configuration);
        builder.Services.Replace(ServiceDescriptor.Singleton<IGatewayListProvider>(s => new OwnedGatewayList(
            RedisClusteringServices.OpenTable(s), s.GetRequiredService<IOptions<GatewayOptions>>())));
        return builder;
    }

    /// <summary>Finds gateways by the membership table in Redis.</summary>
    public static IClientBuilder UseRedisClustering(this IClientBuilder builder, string redisConnectionString) =>
        builder.UseRedisClustering(o => o.ConnectionString = redisConnectionString);
}

/// <summary>What silos and clients share.</summary>
internal static class RedisClusteringServices
{
    public static void AddOptions(IServiceCollection services, Action<RedisClusteringOptions> configuration)
    {
        services.AddOptions<RedisClusteringOptions>().Configure(configuration).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RedisClusteringOptions>, RedisClusteringOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
    }

    /// <summary>A table on a connection of its own. Whoever gets it disposes of it.</summary>
    public static MeteredMembershipTable OpenTable(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<RedisClusteringOptions>>();
        if (!RedisAddress.TryParse(options.Value.ConnectionString, out var address, out var error))
        {
            throw new OrleansConfigurationException(error);
        }

        var client = new RespClient(
            address,
            new RespClientOptions
            {
                CommandTimeout = options.Value.CommandTimeout,
                ConnectTimeout = options.Value.CommandTimeout,
                MaxReconnectDelay = options.Value.MaxReconnectDelay,
                TrustedCertificates = options.Value.TrustedCertificates,
                ClientCertificate = options.Value.ClientCertificate,
            },
            services.GetRequiredService<TimeProvider>(),
            services.GetService<ILogger<RespClient>>() ?? NullLogger<RespClient>.Instance);
        return new MeteredMembershipTable(
            new RedisMembershipTable(client, options, services.GetRequiredService<IOptions<ClusterOptions>>()),
            services.GetRequiredService<IMeterFactory>(),
            services.GetRequiredService<TimeProvider>());
    }
}
