using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VoiceCluster.Media.Interop.OpenSsl;

namespace VoiceCluster.Media.Dtls;

/// <summary>A node's self-signed P-256 certificate (RFC 8827 §6.5), made at start and used by every transport.</summary>
public sealed class DtlsCertificate
{
    /// <param name="certificate">In DER.</param>
    /// <param name="privateKey">As the key's own type has it: ECPrivateKey, RSAPrivateKey.</param>
    /// <param name="keyType">OpenSSL's number of the key's type.</param>
    internal DtlsCertificate(byte[] certificate, byte[] privateKey, int keyType = LibSsl.KeyTypeEc)
    {
        Der = certificate;
        PrivateKey = privateKey;
        KeyType = keyType;
        Fingerprints =
        [
            DtlsFingerprint.Of(certificate, "sha-512"),
            DtlsFingerprint.Of(certificate, "sha-384"),
            DtlsFingerprint.Of(certificate, "sha-256"),
        ];
    }

    /// <summary>sha-512, sha-384 and sha-256 fingerprints; sha-256 last, because mediasoup-client takes the last.</summary>
    public IReadOnlyList<DtlsFingerprint> Fingerprints { get; }

    /// <summary>The certificate in DER.</summary>
    internal byte[] Der { get; }

    /// <summary>The key as ECPrivateKey (RFC 5915).</summary>
    internal byte[] PrivateKey { get; }

    /// <summary>EVP_PKEY_EC, but for tests of other peers.</summary>
    internal int KeyType { get; }

    /// <summary>Makes a fresh certificate, good for a year from <paramref name="notBefore"/>.</summary>
    public static DtlsCertificate Create(DateTimeOffset notBefore)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=VoiceCluster", key, HashAlgorithmName.SHA256);

        // A day back, for clients whose clock is slow.
        using var certificate = request.CreateSelfSigned(notBefore.AddDays(-1), notBefore.AddDays(365));
        return new DtlsCertificate(certificate.RawData, key.ExportECPrivateKey());
    }
}
