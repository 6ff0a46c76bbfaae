using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Http;

namespace VoiceCluster.ApiFrontend.Limits;

/// <summary>
/// <c>Http:TrustedProxies</c>: networks in CIDR form whose <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> are believed, so that
/// limits and the allow-list see the client. Empty, the default, believes nobody.
/// </summary>
public static class TrustedProxies
{
    internal const string Key = "Http:TrustedProxies";

    /// <summary>Comes first in the pipeline.</summary>
    public static IApplicationBuilder UseTrustedProxies(this IApplicationBuilder app) => app.UseForwardedHeaders();

    internal static void Add(IServiceCollection services, IConfiguration configuration)
    {
        var networks = HttpOptions.Split(configuration[Key] ?? string.Empty);
        services.AddOptions<ForwardedHeadersOptions>()
            .Configure(headers =>
            {
                headers.ForwardedHeaders = networks.Length == 0
                    ? ForwardedHeaders.None
                    : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;

                // Every trusted hop is stepped over, and no other: the last address that no proxy of ours wrote is the client.
                headers.ForwardLimit = null;
                headers.KnownProxies.Clear();
                headers.KnownIPNetworks.Clear();
                foreach (var network in networks)
                {
                    if (System.Net.IPNetwork.TryParse(network, out var known))
                    {
                        headers.KnownIPNetworks.Add(known);
                    }
                }
            })
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<ForwardedHeadersOptions>>(new Validator(networks));
    }

    private sealed class Validator(string[] networks) : IValidateOptions<ForwardedHeadersOptions>
    {
        public ValidateOptionsResult Validate(string? name, ForwardedHeadersOptions options)
        {
            var faults = networks.Where(network => !System.Net.IPNetwork.TryParse(network, out _))
                .Select(network => $"{Key} has \"{network}\"; it must be a network such as 10.0.0.0/8.")
                .ToArray();
            return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
        }
    }
}
