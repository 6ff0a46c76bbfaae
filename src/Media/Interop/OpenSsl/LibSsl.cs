using System.Runtime.InteropServices;

namespace VoiceCluster.Media.Interop.OpenSsl;

/// <summary>The part of libssl (and of libcrypto's BIO, X509 and ERR, which it re-uses) that DTLS needs. Names and numbers are OpenSSL's.</summary>
internal static unsafe partial class LibSsl
{
    public const int Dtls12 = 0xFEFD;

    public const int CtrlSetMtu = 17;
    public const int CtrlMode = 33;
    public const int CtrlSetSessionCacheMode = 44;
    public const int CtrlSetMaxCertList = 51;
    public const int CtrlSetMaxSendFragment = 52;
    public const int CtrlGetTimeout = 73;
    public const int CtrlHandleTimeout = 74;
    public const int CtrlSetGroupsList = 92;
    public const int CtrlSetMinVersion = 123;
    public const int CtrlSetMaxVersion = 124;

    public const nint ModeNoAutoChain = 0x8;

    public const int BioCtrlReset = 1;
    public const int BioSetMemEofReturn = 130;

    public const ulong OpNoQueryMtu = 1UL << 12;
    public const ulong OpNoTicket = 1UL << 14;
    public const ulong OpNoCompression = 1UL << 17;
    public const ulong OpCipherServerPreference = 1UL << 22;
    public const ulong OpNoRenegotiation = 1UL << 30;

    public const int VerifyPeer = 1;
    public const int VerifyFailIfNoPeerCert = 2;

    public const int ErrorWantRead = 2;
    public const int ErrorWantWrite = 3;

    public const int ReceivedShutdown = 2;

    /// <summary>EVP_PKEY_EC, that is NID_X9_62_id_ecPublicKey.</summary>
    public const int KeyTypeEc = 408;

    /// <summary>EVP_PKEY_RSA, that is NID_rsaEncryption.</summary>
    public const int KeyTypeRsa = 6;

    static LibSsl() => OpenSslLibraries.Register();

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial nint DTLS_method();

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial nint SSL_CTX_new_ex(nint library, byte* properties, nint method);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial void SSL_CTX_free(nint context);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial nint SSL_CTX_ctrl(nint context, int command, nint number, void* pointer);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial ulong SSL_CTX_set_options(nint context, ulong options);

    [LibraryImport(OpenSslLibraries.Ssl, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SSL_CTX_set_cipher_list(nint context, string list);

    [LibraryImport(OpenSslLibraries.Ssl, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SSL_CTX_set_tlsext_use_srtp(nint context, string profiles);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_CTX_use_certificate_ASN1(nint context, int length, byte* der);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_CTX_use_PrivateKey_ASN1(int type, nint context, byte* der, nint length);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_CTX_check_private_key(nint context);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial void SSL_CTX_set_verify(nint context, int mode, nint callback);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial void SSL_CTX_set_cert_verify_callback(nint context, delegate* unmanaged[Cdecl]<nint, void*, int> callback, void* argument);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial nint SSL_new(nint context);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial void SSL_free(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial nint SSL_ctrl(nint ssl, int command, nint number, void* pointer);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_alloc_buffers(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_free_buffers(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_set_ex_data(nint ssl, int index, nint data);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial nint SSL_get_ex_data(nint ssl, int index);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial void DTLS_set_timer_cb(nint ssl, delegate* unmanaged[Cdecl]<nint, uint, uint> callback);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial void SSL_set_bio(nint ssl, nint read, nint write);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial void SSL_set_accept_state(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial void SSL_set_connect_state(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_do_handshake(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_read(nint ssl, byte* buffer, int length);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_shutdown(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_get_shutdown(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_get_error(nint ssl, int result);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial nint SSL_get1_peer_certificate(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial SrtpProtectionProfile* SSL_get_selected_srtp_profile(nint ssl);

    [LibraryImport(OpenSslLibraries.Ssl)]
    public static partial int SSL_export_keying_material(
        nint ssl, byte* output, nuint length, byte* label, nuint labelLength, byte* context, nuint contextLength, int useContext);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial nint BIO_s_mem();

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial nint BIO_new(nint method);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial int BIO_read(nint bio, byte* buffer, int length);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial int BIO_write(nint bio, byte* buffer, int length);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial nuint BIO_ctrl_pending(nint bio);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial nint BIO_ctrl(nint bio, int command, nint number, void* pointer);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial void ERR_clear_error();

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial nuint ERR_peek_error();

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial void ERR_error_string_n(nuint error, byte* buffer, nuint length);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial int i2d_X509(nint certificate, byte** output);

    [LibraryImport(OpenSslLibraries.Crypto3)]
    public static partial void X509_free(nint certificate);

    /// <summary>The oldest error of this thread as text; empty when there is none. Clears the queue.</summary>
    public static string TakeError()
    {
        var error = ERR_peek_error();
        if (error == 0)
        {
            return string.Empty;
        }

        var text = stackalloc byte[256];
        ERR_error_string_n(error, text, 256);
        ERR_clear_error();
        return Marshal.PtrToStringUTF8((nint)text) ?? string.Empty;
    }

    /// <summary>SRTP_PROTECTION_PROFILE of openssl/srtp.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SrtpProtectionProfile
    {
        public byte* Name;
        public CULong Id;
    }
}
