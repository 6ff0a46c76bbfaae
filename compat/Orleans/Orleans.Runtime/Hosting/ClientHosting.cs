using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans;
using Orleans.Hosting;
using Orleans.Runtime;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds a client to a host.</summary>
public static class OrleansClientHostingExtensions
{
    /// <summary>Adds a client. This engine's client is that of the silo in the same process.</summary>
    public static IHostApplicationBuilder UseOrleansClient(this IHostApplicationBuilder hostAppBuilder, Action<IClientBuilder>? configureDelegate = null)
    {
        configureDelegate?.Invoke(new ClientBuilder(hostAppBuilder.Services, hostAppBuilder.Configuration));
        hostAppBuilder.Services.TryAddSingleton(MissingSilo);
        hostAppBuilder.Services.TryAddSingleton<IGrainFactory>(static services => services.GetRequiredService<IClusterClient>());
        return hostAppBuilder;
    }

    private static IClusterClient MissingSilo(IServiceProvider services) => throw new OrleansConfigurationException(
        "There is no silo in this process, and this build of the engine has no client for another process. Add UseOrleans to the same host.");

    private sealed class ClientBuilder(IServiceCollection services, IConfiguration configuration) : IClientBuilder
    {
        public IServiceCollection Services => services;

        public IConfiguration Configuration => configuration;
    }
}
