using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VoiceCluster.Media.Interop.OpenSsl;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Media.Dtls;

/// <summary>What all connections of a node share: certificate, ciphers, SRTP profiles. Thread-safe; dispose after the last connection.</summary>
public sealed unsafe class DtlsContext : IDisposable
{
    /// <summary>Authenticated encryption with forward secrecy only; the first is the one that RFC 8827 §6.5 demands. RSA is for peers whose certificate is RSA.</summary>
    private const string Ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384";

    /// <summary>Bytes of the longest certificate chain taken from a peer. A self-signed one has under 1,500.</summary>
    private const int MaxCertificateChain = 16 * 1024;

    /// <summary>Bytes of the longest record sent. A connection keeps a buffer of this size; flights are cut to the MTU, which is smaller.</summary>
    private const int MaxSendFragment = 2048;

    /// <summary>As measured: AES-128-GCM costs least; then the stronger of RFC 7714; then what RFC 8827 §6.5 demands of all.</summary>
    internal static readonly SrtpProfile[] DefaultProfiles =
        [SrtpProfile.AeadAes128Gcm, SrtpProfile.AeadAes256Gcm, SrtpProfile.Aes128CmSha1_80];

    /// <summary>The library context in which handshakes cost least, once one has been done in it; else 0, OpenSSL's own.</summary>
    private static readonly Lazy<nint> Library = new(static () => CanShakeHands(HandshakeLibrary.Context) ? HandshakeLibrary.Context : 0);

    /// <param name="certificate">The node's certificate.</param>
    /// <param name="profiles">SRTP profiles, best first; null for AES-128-GCM, AES-256-GCM, AES128-CM-SHA1-80.</param>
    public DtlsContext(DtlsCertificate certificate, IReadOnlyList<SrtpProfile>? profiles = null)
        : this(certificate, profiles ?? DefaultProfiles, Library.Value)
    {
    }

    /// <param name="certificate">The node's certificate.</param>
    /// <param name="profiles">SRTP profiles, best first.</param>
    /// <param name="library">Of whose algorithms handshakes are made: an OSSL_LIB_CTX, or 0 for OpenSSL's own.</param>
    internal DtlsContext(DtlsCertificate certificate, IReadOnlyList<SrtpProfile> profiles, nint library)
    {
        Certificate = certificate;
        Handle = LibSsl.SSL_CTX_new_ex(library, null, LibSsl.DTLS_method());
        Check(Handle != 0, "a context");
        Check(LibSsl.SSL_CTX_ctrl(Handle, LibSsl.CtrlSetMinVersion, LibSsl.Dtls12, null) == 1, "DTLS 1.2 as the least");
        Check(LibSsl.SSL_CTX_ctrl(Handle, LibSsl.CtrlSetMaxVersion, LibSsl.Dtls12, null) == 1, "DTLS 1.2 as the most");
        LibSsl.SSL_CTX_set_options(
            Handle,
            LibSsl.OpNoQueryMtu | LibSsl.OpNoTicket | LibSsl.OpNoCompression | LibSsl.OpCipherServerPreference | LibSsl.OpNoRenegotiation);
        LibSsl.SSL_CTX_ctrl(Handle, LibSsl.CtrlSetSessionCacheMode, 0, null);
        LibSsl.SSL_CTX_ctrl(Handle, LibSsl.CtrlSetMaxCertList, MaxCertificateChain, null);
        Check(LibSsl.SSL_CTX_ctrl(Handle, LibSsl.CtrlSetMaxSendFragment, MaxSendFragment, null) == 1, "the longest record");
        Check(LibSsl.SSL_CTX_set_cipher_list(Handle, Ciphers) == 1, "the ciphers");
        fixed (byte* groups = "X25519:P-256:P-384\0"u8)
        {
            Check(LibSsl.SSL_CTX_ctrl(Handle, LibSsl.CtrlSetGroupsList, 0, groups) == 1, "the groups");
        }

        // This one function of OpenSSL answers 0 for success.
        var names = string.Join(':', profiles.Select(OpenSslName));
        Check(LibSsl.SSL_CTX_set_tlsext_use_srtp(Handle, names) == 0, "the SRTP profiles");

        fixed (byte* der = certificate.Der)
        fixed (byte* key = certificate.PrivateKey)
        {
            Check(LibSsl.SSL_CTX_use_certificate_ASN1(Handle, certificate.Der.Length, der) == 1, "the certificate");
            Check(LibSsl.SSL_CTX_use_PrivateKey_ASN1(certificate.KeyType, Handle, key, certificate.PrivateKey.Length) == 1, "the private key");
        }

        Check(LibSsl.SSL_CTX_check_private_key(Handle) == 1, "the private key for this certificate");
        LibSsl.SSL_CTX_set_verify(Handle, LibSsl.VerifyPeer | LibSsl.VerifyFailIfNoPeerCert, 0);
        LibSsl.SSL_CTX_set_cert_verify_callback(Handle, &AcceptChain, null);

        // Our certificate has no chain either; OpenSSL would look for one in each handshake.
        LibSsl.SSL_CTX_ctrl(Handle, LibSsl.CtrlMode, LibSsl.ModeNoAutoChain, null);
    }

    ~DtlsContext() => Free();

    /// <summary>The certificate given.</summary>
    public DtlsCertificate Certificate { get; }

    /// <summary>How long a flight waits for its answer before it is sent again; doubled each time (RFC 6347 §4.2.4.1, which allows less than 1 s where the round trip is known to be short).</summary>
    public TimeSpan InitialRetransmit { get; init; } = TimeSpan.FromMilliseconds(250);

    internal nint Handle { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// In place of OpenSSL's building and checking of a chain. Self-signed certificates have none: the fingerprint is the proof
    /// (RFC 5763 §5), and DtlsConnection checks it. That the peer has the key, OpenSSL checks by the handshake's signature.
    /// </summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AcceptChain(nint store, void* argument) => 1;

    /// <summary>Tries a library context: what is missing in it would show in a handshake at the latest.</summary>
    private static bool CanShakeHands(nint library)
    {
        if (library == 0)
        {
            return false;
        }

        try
        {
            using var context = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UnixEpoch.AddDays(1)), DefaultProfiles, library);
            using var server = new DtlsConnection(context, DtlsRole.Server, 0, context.Certificate.Fingerprints[0]);
            using var client = new DtlsConnection(context, DtlsRole.Client, 0, context.Certificate.Fingerprints[0]);
            Span<byte> buffer = stackalloc byte[DtlsConnection.MaxDatagram];
            for (var flights = 0; flights < 4; flights++)
            {
                Carry(client, server, buffer);
                Carry(server, client, buffer);
            }

            return client.State == DtlsState.Connected && server.State == DtlsState.Connected;
        }
        catch (CryptographicException)
        {
            // OpenSSL's own context serves, at its own speed.
            return false;
        }
    }

    private static void Carry(DtlsConnection from, DtlsConnection to, Span<byte> buffer)
    {
        int length;
        while ((length = from.TakeDatagram(buffer)) > 0)
        {
            to.Receive(buffer[..length], 0);
        }
    }

    private static string OpenSslName(SrtpProfile profile) => profile switch
    {
        SrtpProfile.Aes128CmSha1_80 => "SRTP_AES128_CM_SHA1_80",
        SrtpProfile.AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
        SrtpProfile.AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
        _ => throw new ArgumentOutOfRangeException(nameof(profile), profile, "Not an SRTP profile."),
    };

    private static void Check(bool done, string what)
    {
        if (!done)
        {
            throw new CryptographicException($"OpenSSL refused {what}: {LibSsl.TakeError()}");
        }
    }

    private void Free()
    {
        if (Handle != 0)
        {
            LibSsl.SSL_CTX_free(Handle);
            Handle = 0;
        }
    }
}
