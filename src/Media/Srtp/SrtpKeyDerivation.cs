using System.Security.Cryptography;
using VoiceCluster.Media.Interop.OpenSsl;

namespace VoiceCluster.Media.Srtp;

/// <summary>
/// The AES counter-mode PRF of one master key (RFC 3711 §4.3, RFC 6188 §3, RFC 7714 §11), with a key derivation rate of 0.
/// The key is expanded once for all six labels.
/// </summary>
internal readonly unsafe ref struct SrtpKeyDerivation
{
    /// <summary>Labels of RFC 3711 §4.3.1 and §4.3.2.</summary>
    public const byte RtpKey = 0, RtpAuthentication = 1, RtpSalt = 2, RtcpKey = 3, RtcpAuthentication = 4, RtcpSalt = 5;

    private readonly ReadOnlySpan<byte> _salt;
    private readonly nint _context;

    /// <param name="masterKey">16 bytes for AES-128 or 32 for AES-256.</param>
    /// <param name="masterSalt">12 or 14 bytes; they must stay until the end.</param>
    public SrtpKeyDerivation(ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> masterSalt)
    {
        if (masterKey.Length is not (16 or 32))
        {
            throw new ArgumentException("An SRTP master key has 16 or 32 bytes.", nameof(masterKey));
        }

        _salt = masterSalt;
        _context = LibCrypto.EVP_CIPHER_CTX_new();
        fixed (byte* key = masterKey)
        {
            if (_context == 0
                || LibCrypto.EVP_CipherInit_ex_slow(_context, masterKey.Length == 16 ? LibCrypto.Aes128Ctr : LibCrypto.Aes256Ctr, 0, key, null, 1) != 1)
            {
                Dispose();
                throw new CryptographicException("OpenSSL refused the SRTP master key.");
            }
        }
    }

    /// <summary>Fills <paramref name="output"/> with the session key of a label.</summary>
    public void Derive(byte label, Span<byte> output)
    {
        // x = key id XOR salt, times 2^16. A 96-bit salt is padded to 112 bits by zeros on the right (RFC 7714 §11),
        // so the label, seven bytes from the end of those 112, is always XORed onto byte 7. The blocks are encryptions of
        // x, x + 1 and so on: the key stream that counter mode lays over zeros.
        Span<byte> counter = stackalloc byte[16];
        counter.Clear();
        _salt.CopyTo(counter);
        counter[7] ^= label;
        output.Clear();
        int written;
        fixed (byte* iv = counter)
        fixed (byte* bytes = output)
        {
            if (LibCrypto.EVP_CipherInit_ex(_context, 0, 0, null, iv, -1) != 1
                || (output.Length > 0 && LibCrypto.EVP_CipherUpdate(_context, bytes, &written, bytes, output.Length) != 1))
            {
                throw new CryptographicException("OpenSSL derived no SRTP key.");
            }
        }
    }

    /// <summary>Forgets the key.</summary>
    public void Dispose() => LibCrypto.EVP_CIPHER_CTX_free(_context);
}
