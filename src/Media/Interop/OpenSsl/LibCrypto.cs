using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace VoiceCluster.Media.Interop.OpenSsl;

/// <summary>
/// The few functions of libcrypto that run for each packet, as function pointers without a GC transition:
/// each call is well under a microsecond, never blocks and never calls back.
/// </summary>
internal static unsafe class LibCrypto
{
    /// <summary>EVP_CTRL_AEAD_GET_TAG of openssl/evp.h.</summary>
    public const int GetTag = 0x10;

    /// <summary>EVP_CTRL_AEAD_SET_TAG of openssl/evp.h.</summary>
    public const int SetTag = 0x11;

    /// <summary>sizeof(SHA_CTX) of openssl/sha.h: five words of state, two of length, sixteen of data, one of position.</summary>
    public const int ShaContextSize = 96;

    public static readonly delegate* unmanaged<nint> EVP_CIPHER_CTX_new = (delegate* unmanaged<nint>)Export(nameof(EVP_CIPHER_CTX_new));

    public static readonly delegate* unmanaged<nint, void> EVP_CIPHER_CTX_free = (delegate* unmanaged<nint, void>)Export(nameof(EVP_CIPHER_CTX_free));

    /// <summary>Ciphers fetched once. OpenSSL would look up the ones of EVP_aes_128_gcm and its like again in each context that is keyed.</summary>
    public static readonly nint Aes128Gcm = FetchCipher("AES-128-GCM"u8);

    public static readonly nint Aes256Gcm = FetchCipher("AES-256-GCM"u8);

    public static readonly nint Aes128Ctr = FetchCipher("AES-128-CTR"u8);

    public static readonly nint Aes256Ctr = FetchCipher("AES-256-CTR"u8);

    /// <summary>(ctx, cipher, engine, key, iv, enc): with a cipher this allocates, so it is not for the packet path.</summary>
    public static readonly delegate* unmanaged<nint, nint, nint, byte*, byte*, int, int> EVP_CipherInit_ex_slow =
        (delegate* unmanaged<nint, nint, nint, byte*, byte*, int, int>)Export("EVP_CipherInit_ex");

    /// <summary>The same function for a new IV only.</summary>
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, nint, nint, byte*, byte*, int, int> EVP_CipherInit_ex =
        (delegate* unmanaged[SuppressGCTransition]<nint, nint, nint, byte*, byte*, int, int>)Export(nameof(EVP_CipherInit_ex));

    /// <summary>(ctx, out, outLength, in, inLength); a null out gives additional data.</summary>
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, byte*, int*, byte*, int, int> EVP_CipherUpdate =
        (delegate* unmanaged[SuppressGCTransition]<nint, byte*, int*, byte*, int, int>)Export(nameof(EVP_CipherUpdate));

    /// <summary>(ctx, out, outLength).</summary>
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, byte*, int*, int> EVP_CipherFinal_ex =
        (delegate* unmanaged[SuppressGCTransition]<nint, byte*, int*, int>)Export(nameof(EVP_CipherFinal_ex));

    /// <summary>(ctx, control, length, pointer).</summary>
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int, int, byte*, int> EVP_CIPHER_CTX_ctrl =
        (delegate* unmanaged[SuppressGCTransition]<nint, int, int, byte*, int>)Export(nameof(EVP_CIPHER_CTX_ctrl));

    /// <summary>(ctx). Plain SHA-1, because EVP_MAC costs more in parameters than in hashing for packets of this size.</summary>
    public static readonly delegate* unmanaged[SuppressGCTransition]<byte*, int> SHA1_Init =
        (delegate* unmanaged[SuppressGCTransition]<byte*, int>)Export(nameof(SHA1_Init));

    /// <summary>(ctx, data, length).</summary>
    public static readonly delegate* unmanaged[SuppressGCTransition]<byte*, byte*, nuint, int> SHA1_Update =
        (delegate* unmanaged[SuppressGCTransition]<byte*, byte*, nuint, int>)Export(nameof(SHA1_Update));

    /// <summary>(digest, ctx).</summary>
    public static readonly delegate* unmanaged[SuppressGCTransition]<byte*, byte*, int> SHA1_Final =
        (delegate* unmanaged[SuppressGCTransition]<byte*, byte*, int>)Export(nameof(SHA1_Final));

    private static nint FetchCipher(ReadOnlySpan<byte> name)
    {
        var fetch = (delegate* unmanaged<nint, byte*, byte*, nint>)Export("EVP_CIPHER_fetch");
        fixed (byte* algorithm = name)
        {
            var cipher = fetch(0, algorithm, null);
            return cipher != 0 ? cipher : throw new CryptographicException($"OpenSSL has no {Encoding.ASCII.GetString(name)}.");
        }
    }

    private static nint Export(string name) => NativeLibrary.GetExport(OpenSslLibraries.Crypto, name);
}
