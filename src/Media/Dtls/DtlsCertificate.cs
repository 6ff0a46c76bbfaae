namespace VoiceCluster.Media.Dtls;

/// <summary>A node's self-signed P-256 certificate, made at start and used by every transport.</summary>
public sealed class DtlsCertificate
{
    /// <summary>Makes a fresh certificate, good for a year from <paramref name="notBefore"/>.</summary>
    public static DtlsCertificate Create(DateTimeOffset notBefore) => throw new NotImplementedException();

    /// <summary>sha-256, sha-384 and sha-512 fingerprints; sha-256 last, because mediasoup-client takes the last.</summary>
    public IReadOnlyList<DtlsFingerprint> Fingerprints => throw new NotImplementedException();
}
