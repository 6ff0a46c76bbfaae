using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;
using VoiceCluster.Clustering;
using VoiceCluster.Clustering.PostgreSql;

namespace Orleans.Hosting;

/// <summary>Silos that meet, and clients that find gateways, in PostgreSQL.</summary>
public static class AdoNetHostingExtensions
{
    /// <summary>Keeps the membership table in PostgreSQL.</summary>
    public static ISiloBuilder UseAdoNetClustering(this ISiloBuilder builder, Action<AdoNetClusteringSiloOptions> configureOptions) =>
        builder.UseAdoNetClustering(options => options.Configure(configureOptions));

    /// <summary>Keeps the membership table in PostgreSQL.</summary>
    public static ISiloBuilder UseAdoNetClustering(this ISiloBuilder builder, Action<OptionsBuilder<AdoNetClusteringSiloOptions>> configureOptions)
    {
        AddShared(builder.Services);
        configureOptions(builder.Services.AddOptions<AdoNetClusteringSiloOptions>().ValidateOnStart());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AdoNetClusteringSiloOptions>, AdoNetClusteringOptionsValidator>());
        builder.Services.Replace(ServiceDescriptor.Singleton<IMembershipTable>(
            s => Open(s, s.GetRequiredService<IOptions<AdoNetClusteringSiloOptions>>().Value.ConnectionString)));
        return builder;
    }

    /// <summary>Finds gateways by the membership table in PostgreSQL.</summary>
    public static IClientBuilder UseAdoNetClustering(this IClientBuilder builder, Action<AdoNetClusteringClientOptions> configureOptions) =>
        builder.UseAdoNetClustering(options => options.Configure(configureOptions));

    /// <summary>Finds gateways by the membership table in PostgreSQL.</summary>
    public static IClientBuilder UseAdoNetClustering(this IClientBuilder builder, Action<OptionsBuilder<AdoNetClusteringClientOptions>> configureOptions)
    {
        AddShared(builder.Services);
        configureOptions(builder.Services.AddOptions<AdoNetClusteringClientOptions>().ValidateOnStart());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AdoNetClusteringClientOptions>, AdoNetClusteringOptionsValidator>());
        builder.Services.Replace(ServiceDescriptor.Singleton<IGatewayListProvider>(s => new OwnedGatewayList(
            Open(s, s.GetRequiredService<IOptions<AdoNetClusteringClientOptions>>().Value.ConnectionString),
            s.GetRequiredService<IOptions<GatewayOptions>>())));
        return builder;
    }

    private static void AddShared(IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
    }

    /// <summary>A table on connections of its own. Whoever gets it disposes of it.</summary>
    private static MeteredMembershipTable Open(IServiceProvider services, string connectionString) => new(
        new AdoNetMembershipTable(MembershipDatabase.Open(connectionString), services.GetRequiredService<IOptions<ClusterOptions>>()),
        services.GetRequiredService<IMeterFactory>(),
        services.GetRequiredService<TimeProvider>());
}
