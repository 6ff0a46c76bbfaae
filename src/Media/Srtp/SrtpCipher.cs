using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VoiceCluster.Media.Interop.OpenSsl;

namespace VoiceCluster.Media.Srtp;

/// <summary>
/// The session key, authentication key and salt of one direction of RTP or of RTCP, in OpenSSL contexts keyed once.
/// Knows nothing of packets: the callers say what is covered and under which index.
/// </summary>
internal sealed unsafe class SrtpCipher : IDisposable
{
    /// <summary>Bytes of an HMAC-SHA1 key (RFC 3711 §5.2) and of its full output.</summary>
    public const int MacSize = 20;

    /// <summary>Bytes of a context and of the keyed state of its cipher, which OpenSSL allocates right behind it.</summary>
    public const int ContextSize = 1024;

    private const int ShaBlock = 64;

    /// <summary>RFC 3711 §4.1.1 and RFC 7714 §8.1: the salt, where it is XORed onto the IV.</summary>
    private readonly UInt128 _salt;
    private nint _context;
    private byte* _sha;

    /// <param name="profile">Picks the cipher.</param>
    /// <param name="key">Session encryption key.</param>
    /// <param name="macKey">Session authentication key; empty for AEAD.</param>
    /// <param name="salt">Session salt.</param>
    /// <param name="encrypt">Direction.</param>
    public SrtpCipher(SrtpProfile profile, ReadOnlySpan<byte> key, ReadOnlySpan<byte> macKey, ReadOnlySpan<byte> salt, bool encrypt)
    {
        var cipher = profile switch
        {
            SrtpProfile.Aes128CmSha1_80 => LibCrypto.Aes128Ctr,
            SrtpProfile.AeadAes128Gcm => LibCrypto.Aes128Gcm,
            SrtpProfile.AeadAes256Gcm => LibCrypto.Aes256Gcm,
            _ => throw new ArgumentOutOfRangeException(nameof(profile), profile, "Not an SRTP profile."),
        };
        if (key.Length != profile.KeyLength() || salt.Length != profile.SaltLength())
        {
            throw new ArgumentException($"{profile} wants a key of {profile.KeyLength()} and a salt of {profile.SaltLength()} bytes.");
        }

        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        salt.CopyTo(padded);
        _salt = BinaryPrimitives.ReadUInt128BigEndian(padded);

        _context = LibCrypto.EVP_CIPHER_CTX_new();
        fixed (byte* keyBytes = key)
        {
            if (_context == 0 || LibCrypto.EVP_CipherInit_ex_slow(_context, cipher, 0, keyBytes, null, encrypt ? 1 : 0) != 1)
            {
                throw new CryptographicException("OpenSSL refused the SRTP session key.");
            }
        }

        if (!profile.IsAead())
        {
            PrepareMac(macKey);
        }
    }

    ~SrtpCipher() => Free();

    /// <summary>Encrypts or decrypts in place by AES-CM (RFC 3711 §4.1.1).</summary>
    public bool CounterMode(uint ssrc, ulong index, byte* data, int length)
    {
        var counter = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(
            new Span<byte>(counter, 16), _salt ^ ((UInt128)ssrc << 64) ^ ((UInt128)index << 16));
        int written;
        return LibCrypto.EVP_CipherInit_ex(_context, 0, 0, null, counter, -1) == 1
            && LibCrypto.EVP_CipherUpdate(_context, data, &written, data, length) == 1;
    }

    /// <summary>HMAC-SHA1 over data and one word (RFC 3711 §4.2: the ROC), or over data alone.</summary>
    public void Mac(byte* data, int length, uint? word, byte* output)
    {
        var work = _sha + (2 * LibCrypto.ShaContextSize);
        Buffer.MemoryCopy(_sha, work, LibCrypto.ShaContextSize, LibCrypto.ShaContextSize);
        LibCrypto.SHA1_Update(work, data, (nuint)length);
        if (word is { } value)
        {
            var bytes = BinaryPrimitives.ReverseEndianness(value);
            LibCrypto.SHA1_Update(work, (byte*)&bytes, sizeof(uint));
        }

        LibCrypto.SHA1_Final(output, work);
        Buffer.MemoryCopy(_sha + LibCrypto.ShaContextSize, work, LibCrypto.ShaContextSize, LibCrypto.ShaContextSize);
        LibCrypto.SHA1_Update(work, output, MacSize);
        LibCrypto.SHA1_Final(output, work);
    }

    /// <summary>
    /// Seals in place by AES-GCM. <paramref name="index"/> is ROC ‖ SEQ for RTP (RFC 7714 §8.1), the SRTCP index for RTCP (§9.1);
    /// a second piece of additional data may follow the first.
    /// </summary>
    public bool Seal(uint ssrc, ulong index, ReadOnlySpan<byte> header, ReadOnlySpan<byte> more, byte* data, int length, byte* tag)
    {
        int written;
        return Begin(ssrc, index, header, more)
            && (length == 0 || LibCrypto.EVP_CipherUpdate(_context, data, &written, data, length) == 1)
            && LibCrypto.EVP_CipherFinal_ex(_context, tag, &written) == 1
            && LibCrypto.EVP_CIPHER_CTX_ctrl(_context, LibCrypto.GetTag, 16, tag) == 1;
    }

    /// <summary>Opens in place by AES-GCM; false when the tag, compared in constant time by OpenSSL, is wrong.</summary>
    public bool Open(uint ssrc, ulong index, ReadOnlySpan<byte> header, ReadOnlySpan<byte> more, byte* data, int length, byte* tag)
    {
        int written;
        var none = stackalloc byte[16];
        return Begin(ssrc, index, header, more)
            && (length == 0 || LibCrypto.EVP_CipherUpdate(_context, data, &written, data, length) == 1)
            && LibCrypto.EVP_CIPHER_CTX_ctrl(_context, LibCrypto.SetTag, 16, tag) == 1
            && LibCrypto.EVP_CipherFinal_ex(_context, none, &written) == 1;
    }

    /// <summary>OpenSSL's context, to be asked for ahead.</summary>
    public nint Context => _context;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>The nonce is two zero bytes, SSRC, index, XOR salt: never anything random (RFC 7714 §8.1, §9.1).</summary>
    private bool Begin(uint ssrc, ulong index, ReadOnlySpan<byte> header, ReadOnlySpan<byte> more)
    {
        var nonce = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(
            new Span<byte>(nonce, 16), _salt ^ ((UInt128)ssrc << 80) ^ ((UInt128)index << 32));
        int written;
        if (LibCrypto.EVP_CipherInit_ex(_context, 0, 0, null, nonce, -1) != 1)
        {
            return false;
        }

        fixed (byte* first = header)
        fixed (byte* second = more)
        {
            return LibCrypto.EVP_CipherUpdate(_context, null, &written, first, header.Length) == 1
                && (more.IsEmpty || LibCrypto.EVP_CipherUpdate(_context, null, &written, second, more.Length) == 1);
        }
    }

    /// <summary>Hashes the inner and outer padded keys once (RFC 2104 §4); each packet starts from copies of these two states.</summary>
    private void PrepareMac(ReadOnlySpan<byte> macKey)
    {
        _sha = (byte*)NativeMemory.AllocZeroed(3 * LibCrypto.ShaContextSize);
        var block = stackalloc byte[ShaBlock];
        var span = new Span<byte>(block, ShaBlock);
        for (var i = 0; i < 2; i++)
        {
            span.Fill(i == 0 ? (byte)0x36 : (byte)0x5C);
            for (var k = 0; k < macKey.Length; k++)
            {
                span[k] ^= macKey[k];
            }

            var state = _sha + (i * LibCrypto.ShaContextSize);
            LibCrypto.SHA1_Init(state);
            LibCrypto.SHA1_Update(state, block, ShaBlock);
        }

        CryptographicOperations.ZeroMemory(span);
    }

    private void Free()
    {
        if (_context != 0)
        {
            LibCrypto.EVP_CIPHER_CTX_free(_context);
            _context = 0;
        }

        if (_sha is not null)
        {
            new Span<byte>(_sha, 3 * LibCrypto.ShaContextSize).Clear();
            NativeMemory.Free(_sha);
            _sha = null;
        }
    }
}
