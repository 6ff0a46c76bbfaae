using Microsoft.Extensions.DependencyInjection;

namespace VoiceCluster.Clustering;

/// <summary>The official engine knows no shared secret: keep its ports in a network of their own, or add its TLS package.</summary>
internal static class ClusterSecurity
{
    public static void Apply(IServiceCollection services, ClusterSettings settings)
    {
        if (settings.Secret.Length > 0 || settings.CertificatePath is not null)
        {
            throw new OrleansConfigurationException(
                "Cluster:Secret and Cluster:CertificatePath have no effect with the official packages. Remove them, and keep the cluster's ports in a network of their own.");
        }
    }
}
