using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Interop.OpenSsl;

namespace VoiceCluster.Media.Tests.Dtls;

/// <summary>The library context with few algorithms takes every peer that OpenSSL's own context takes.</summary>
public sealed class DtlsLibraryTests
{
    [Fact]
    public void Context_ByVersion_IsOurOwnWhereDecodersAreSearched()
    {
        var remembers = LibProviders.OpenSSL_version_num().Value >= 0x3020_0000;
        var fips = LibProviders.EVP_default_properties_is_fips_enabled(0) != 0;
        Assert.Equal(remembers || fips, HandshakeLibrary.Context == 0);
    }

    [Theory]
    [InlineData("P-256", DtlsRole.Client)]
    [InlineData("P-256", DtlsRole.Server)]
    [InlineData("P-384", DtlsRole.Client)]
    [InlineData("P-384", DtlsRole.Server)]
    [InlineData("RSA", DtlsRole.Client)]
    [InlineData("RSA", DtlsRole.Server)]
    public void Handshake_PeerOfOpenSslsOwnContext_Connects(string key, DtlsRole peerRole)
    {
        using var ours = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UtcNow));
        using var theirs = new DtlsContext(Certificate(key), DtlsContext.DefaultProfiles, library: 0);
        var now = Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
        var ourRole = peerRole == DtlsRole.Client ? DtlsRole.Server : DtlsRole.Client;
        using var peer = new DtlsConnection(theirs, peerRole, now, ours.Certificate.Fingerprints[^1]);
        using var own = new DtlsConnection(ours, ourRole, now, theirs.Certificate.Fingerprints[^1]);
        for (var flight = 0; flight < 8; flight++)
        {
            Carry(peer, own, now);
            Carry(own, peer, now);
        }

        Assert.Equal((DtlsState.Connected, DtlsState.Connected), (own.State, peer.State));
        var (sender, ownReceiver) = own.CreateSrtp();
        var (peerSender, receiver) = peer.CreateSrtp();
        using (sender)
        using (ownReceiver)
        using (peerSender)
        using (receiver)
        {
            byte[] packet = [0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 1, 2, 3, .. new byte[20]];
            var length = sender.ProtectRtp(packet, 15);
            Assert.Equal(DropReason.None, receiver.UnprotectRtp(packet.AsSpan(0, length), out _));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Handshake_PeerWithACurveThatIsNotOffered_FailsInEitherContext(bool inOurs)
    {
        // P-521 is none of our groups, and RFC 8422 §5.1 holds a certificate to them as well.
        var certificate = DtlsCertificate.Create(DateTimeOffset.UtcNow);
        using var ours = inOurs ? new DtlsContext(certificate) : new DtlsContext(certificate, DtlsContext.DefaultProfiles, library: 0);
        using var theirs = new DtlsContext(Certificate("P-521"), DtlsContext.DefaultProfiles, library: 0);
        using var peer = new DtlsConnection(theirs, DtlsRole.Client, 0, ours.Certificate.Fingerprints[^1]);
        using var own = new DtlsConnection(ours, DtlsRole.Server, 0, theirs.Certificate.Fingerprints[^1]);
        for (var flight = 0; flight < 4; flight++)
        {
            Carry(peer, own, 0);
            Carry(own, peer, 0);
        }

        Assert.Equal(DtlsState.Connecting, own.State);
    }

    [Fact]
    public void Handshake_CertificateOfAnother_FailsInOurContextToo()
    {
        using var ours = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UtcNow));
        using var theirs = new DtlsContext(Certificate("P-256"), DtlsContext.DefaultProfiles, library: 0);
        using var peer = new DtlsConnection(theirs, DtlsRole.Client, 0, ours.Certificate.Fingerprints[^1]);
        using var own = new DtlsConnection(ours, DtlsRole.Server, 0, Certificate("P-256").Fingerprints[^1]);
        for (var flight = 0; flight < 8; flight++)
        {
            Carry(peer, own, 0);
            Carry(own, peer, 0);
        }

        Assert.Equal(DtlsState.Failed, own.State);
    }

    private static void Carry(DtlsConnection from, DtlsConnection to, long now)
    {
        foreach (var datagram in DtlsPair.Take(from))
        {
            to.Receive(datagram, now);
        }
    }

    private static DtlsCertificate Certificate(string key)
    {
        var from = DateTimeOffset.UtcNow.AddDays(-1);
        if (key == "RSA")
        {
            using var rsa = RSA.Create(2048);
            using var signed = new CertificateRequest("CN=Peer", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(from, from.AddDays(30));
            return new DtlsCertificate(signed.RawData, rsa.ExportRSAPrivateKey(), LibSsl.KeyTypeRsa);
        }

        using var curve = ECDsa.Create(ECCurve.CreateFromFriendlyName("nist" + key.Replace("-", "", StringComparison.Ordinal)));
        using var certificate = new CertificateRequest("CN=Peer", curve, HashAlgorithmName.SHA256).CreateSelfSigned(from, from.AddDays(30));
        return new DtlsCertificate(certificate.RawData, curve.ExportECPrivateKey());
    }
}
