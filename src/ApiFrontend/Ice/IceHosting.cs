using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Ice;

/// <summary>Registers what doors tell their clients about STUN and TURN.</summary>
internal static class IceHosting
{
    public static IServiceCollection AddIceServers(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<IceServerOptions>().Configure(o => o.Read(configuration)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<IceServerOptions>, IceServerOptionsValidator>());
        services.AddSingleton<IceServers>();
        return services;
    }
}
