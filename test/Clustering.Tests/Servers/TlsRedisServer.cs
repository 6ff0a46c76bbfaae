using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VoiceCluster.Clustering.Resp;

namespace VoiceCluster.Clustering.Tests;

/// <summary>A redis-server that speaks TLS only, asks for a certificate and a password.</summary>
public sealed class TlsRedisServer : RedisServer
{
    public const string Password = "p=ss word";

    public TlsRedisServer()
        : base(
            "--save", "", "--requirepass", Password, "--tls-auth-clients", "yes", "--tls-ca-cert-file", "{folder}/ca.pem",
            "--tls-cert-file", "{folder}/server.pem", "--tls-key-file", "{folder}/server.key")
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Authority = MakeAuthority("CN=test authority", authorityKey);
        File.WriteAllText(Path.Combine(Folder, "ca.pem"), Authority.ExportCertificatePem());
        using var server = Issue("CN=redis", Authority);
        File.WriteAllText(Path.Combine(Folder, "server.pem"), server.ExportCertificatePem());
        File.WriteAllText(Path.Combine(Folder, "server.key"), server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Address = Address with { UseTls = true, Password = Password };
        ClientOptions = new RespClientOptions { TrustedCertificates = [Authority], ClientCertificate = Issue("CN=client", Authority) };
    }

    /// <summary>Whoever trusts it trusts the server.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>An authority that signed nothing of this server's.</summary>
    public static X509Certificate2 Stranger()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return MakeAuthority("CN=stranger", key);
    }

    private static X509Certificate2 MakeAuthority(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
    }

    private static X509Certificate2 Issue(string name, X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(authority, now.AddDays(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }
}
