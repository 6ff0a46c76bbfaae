using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans;
using Orleans.Hosting;
using Orleans.Messaging;
using Orleans.Runtime;
using Orleans.Runtime.Clients;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds a client to a host.</summary>
public static class OrleansClientHostingExtensions
{
    /// <summary>Adds a client: of the silo in the same process if there is one, else of the silos that a clustering provider finds.</summary>
    public static IHostApplicationBuilder UseOrleansClient(this IHostApplicationBuilder hostAppBuilder, Action<IClientBuilder>? configureDelegate = null)
    {
        configureDelegate?.Invoke(new ClientBuilder(hostAppBuilder.Services, hostAppBuilder.Configuration));
        var services = hostAppBuilder.Services;
        if (services.Any(d => d.ServiceType == typeof(IGatewayListProvider)) && !services.Any(d => d.ServiceType == typeof(SiloRuntime)))
        {
            services.TryAddSingleton(TimeProvider.System);
            services.AddSingleton<ClientRuntime>();
            services.AddSingleton<IHealthCheckParticipant>(static s => s.GetRequiredService<ClientRuntime>());
            services.TryAddSingleton<IClusterClient>(static s => s.GetRequiredService<ClientRuntime>().Factory);
            services.TryAddSingleton(static s => new Orleans.Serialization.Serializer(s.GetRequiredService<ClientRuntime>().Caller));
            services.AddHostedService(static s => s.GetRequiredService<ClientRuntime>());
        }

        services.TryAddSingleton(MissingSilo);
        services.TryAddSingleton<IGrainFactory>(static services => services.GetRequiredService<IClusterClient>());
        return hostAppBuilder;
    }

    private static IClusterClient MissingSilo(IServiceProvider services) => throw new OrleansConfigurationException(
        "There is no silo in this process, and the client has no clustering provider, such as UseRedisClustering or UseAdoNetClustering.");

    private sealed class ClientBuilder(IServiceCollection services, IConfiguration configuration) : IClientBuilder
    {
        public IServiceCollection Services => services;

        public IConfiguration Configuration => configuration;
    }
}
