using System.Security.Cryptography;
using VoiceCluster.Media.Interop.OpenSsl;

namespace VoiceCluster.Media.Relay;

/// <summary>
/// AES-128-GCM of relay packets, in place: the header is additional data, the tag follows the payload. The nonce is the
/// header's sequence number and timestamp, with the highest bit set in what the server sends, so that the two directions
/// of one key never meet. Never anything random. One thread; OpenSSL contexts keyed once.
/// </summary>
public sealed unsafe class RelayCipher : IDisposable
{
    /// <summary>Bytes of a key.</summary>
    public const int KeyLength = 16;

    /// <summary>Bytes of the tag.</summary>
    public const int TagLength = 16;

    /// <summary>Where sequence number and timestamp, the nonce's 12 bytes, are in the header.</summary>
    private const int NonceOffset = 32;
    private const int NonceLength = 12;

    /// <summary>The nonce's byte with the timestamp's highest bit, which is clear in every header.</summary>
    private const int DirectionByte = 4;

    private readonly bool _isServer;
    private nint _seal;
    private nint _open;

    /// <param name="key">The session's key.</param>
    /// <param name="isServer">Which end of the line this is.</param>
    public RelayCipher(ReadOnlySpan<byte> key, bool isServer)
    {
        if (key.Length != KeyLength)
        {
            throw new ArgumentException($"A relay key has {KeyLength} bytes.", nameof(key));
        }

        _isServer = isServer;
        _seal = Create(key, encrypt: true);
        _open = Create(key, encrypt: false);
    }

    ~RelayCipher() => Free();

    /// <summary>Encrypts what follows the header; the buffer has room for the tag. Returns the new length, or -1.</summary>
    public int Seal(Span<byte> packet, int length)
    {
        var nonce = stackalloc byte[NonceLength];
        var payload = length - RelayHeader.Length;
        int written;
        fixed (byte* bytes = packet)
        {
            MakeNonce(bytes, nonce, fromServer: _isServer);
            var data = bytes + RelayHeader.Length;
            return LibCrypto.EVP_CipherInit_ex(_seal, 0, 0, null, nonce, -1) == 1
                && LibCrypto.EVP_CipherUpdate(_seal, null, &written, bytes, RelayHeader.Length) == 1
                && (payload == 0 || LibCrypto.EVP_CipherUpdate(_seal, data, &written, data, payload) == 1)
                && LibCrypto.EVP_CipherFinal_ex(_seal, data + payload, &written) == 1
                && LibCrypto.EVP_CIPHER_CTX_ctrl(_seal, LibCrypto.GetTag, TagLength, data + payload) == 1
                ? length + TagLength
                : -1;
        }
    }

    /// <summary>Decrypts what follows the header. False when it is too short or the tag, compared in constant time by OpenSSL, is wrong.</summary>
    public bool TryOpen(Span<byte> packet, out int length)
    {
        length = packet.Length - TagLength;
        var payload = length - RelayHeader.Length;
        if (payload < 0)
        {
            return false;
        }

        var nonce = stackalloc byte[NonceLength];
        var none = stackalloc byte[TagLength];
        int written;
        fixed (byte* bytes = packet)
        {
            MakeNonce(bytes, nonce, fromServer: !_isServer);
            var data = bytes + RelayHeader.Length;
            return LibCrypto.EVP_CipherInit_ex(_open, 0, 0, null, nonce, -1) == 1
                && LibCrypto.EVP_CipherUpdate(_open, null, &written, bytes, RelayHeader.Length) == 1
                && (payload == 0 || LibCrypto.EVP_CipherUpdate(_open, data, &written, data, payload) == 1)
                && LibCrypto.EVP_CIPHER_CTX_ctrl(_open, LibCrypto.SetTag, TagLength, data + payload) == 1
                && LibCrypto.EVP_CipherFinal_ex(_open, none, &written) == 1;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static void MakeNonce(byte* packet, byte* nonce, bool fromServer)
    {
        new ReadOnlySpan<byte>(packet + NonceOffset, NonceLength).CopyTo(new Span<byte>(nonce, NonceLength));
        nonce[DirectionByte] = (byte)((nonce[DirectionByte] & 0x7F) | (fromServer ? 0x80 : 0));
    }

    private static nint Create(ReadOnlySpan<byte> key, bool encrypt)
    {
        var context = LibCrypto.EVP_CIPHER_CTX_new();
        fixed (byte* bytes = key)
        {
            if (context == 0 || LibCrypto.EVP_CipherInit_ex_slow(context, LibCrypto.Aes128Gcm, 0, bytes, null, encrypt ? 1 : 0) != 1)
            {
                throw new CryptographicException("OpenSSL refused the relay key.");
            }
        }

        return context;
    }

    private void Free()
    {
        foreach (var context in (ReadOnlySpan<nint>)[_seal, _open])
        {
            if (context != 0)
            {
                LibCrypto.EVP_CIPHER_CTX_free(context);
            }
        }

        (_seal, _open) = (0, 0);
    }
}
