using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;

namespace VoiceCluster.Clustering;

/// <summary>Secret and certificates, as this engine takes them. The official packages have their own file of this name.</summary>
internal static class ClusterSecurity
{
    public static void Apply(IServiceCollection services, ClusterSettings settings) => services.Configure<ClusterSecurityOptions>(options =>
    {
        options.Secret = settings.Secret;
        if (settings.CertificatePath is { } certificate)
        {
            options.Certificate = X509Certificate2.CreateFromPemFile(certificate, settings.KeyPath);
        }

        if (settings.AuthoritiesPath is { } authorities)
        {
            options.TrustedAuthorities = [];
            options.TrustedAuthorities.ImportFromPemFile(authorities);
        }
    });
}
