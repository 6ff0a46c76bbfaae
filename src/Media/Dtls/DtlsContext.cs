using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Media.Dtls;

/// <summary>What all connections of a node share: certificate, ciphers, SRTP profiles. Thread-safe; dispose after the last connection.</summary>
public sealed class DtlsContext : IDisposable
{
    /// <param name="certificate">The node's certificate.</param>
    /// <param name="profiles">SRTP profiles, best first; null for AES-128-GCM, AES-256-GCM, AES128-CM-SHA1-80.</param>
    public DtlsContext(DtlsCertificate certificate, IReadOnlyList<SrtpProfile>? profiles = null) => throw new NotImplementedException();

    /// <summary>The certificate given.</summary>
    public DtlsCertificate Certificate => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
