using System.Buffers.Binary;
using System.Security.Cryptography;

namespace VoiceCluster.Media.Srtp;

/// <summary>The AES counter-mode PRF (RFC 3711 §4.3, RFC 6188 §3, RFC 7714 §11), with a key derivation rate of 0.</summary>
internal static class SrtpKeyDerivation
{
    /// <summary>Labels of RFC 3711 §4.3.1 and §4.3.2.</summary>
    public const byte RtpKey = 0, RtpAuthentication = 1, RtpSalt = 2, RtcpKey = 3, RtcpAuthentication = 4, RtcpSalt = 5;

    /// <summary>Fills <paramref name="output"/> with the session key of a label. The master key's length picks AES-128 or AES-256.</summary>
    public static void Derive(ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> masterSalt, byte label, Span<byte> output)
    {
        // x = key id XOR salt, times 2^16. A 96-bit salt is padded to 112 bits by zeros on the right (RFC 7714 §11),
        // so the label, seven bytes from the end of those 112, is always XORed onto byte 7.
        Span<byte> counter = stackalloc byte[16];
        counter.Clear();
        masterSalt.CopyTo(counter);
        counter[7] ^= label;

        using var aes = Aes.Create();
        aes.SetKey(masterKey);
        Span<byte> block = stackalloc byte[16];
        for (ushort i = 0; !output.IsEmpty; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(counter[14..], i);
            aes.EncryptEcb(counter, block, PaddingMode.None);
            var take = Math.Min(block.Length, output.Length);
            block[..take].CopyTo(output);
            output = output[take..];
        }

        CryptographicOperations.ZeroMemory(block);
    }
}
