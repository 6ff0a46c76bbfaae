using System.Buffers.Binary;
using System.Security.Cryptography;
using VoiceCluster.Media.Interop.OpenSsl;

namespace VoiceCluster.Media.Stun;

/// <summary>MESSAGE-INTEGRITY (RFC 8489 §14.5): HMAC-SHA1 (RFC 2104) by plain SHA-1, which for 100 bytes costs a fraction of a MAC that is looked up.</summary>
internal static unsafe class StunIntegrity
{
    private const int BlockSize = 64;

    /// <summary>
    /// The HMAC of the bytes before the attribute, as if the header's length field were <paramref name="length"/>:
    /// it counts the attribute in, and nothing behind it.
    /// </summary>
    public static void Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> covered, int length, Span<byte> output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(covered.Length, StunFormat.HeaderSize);
        ArgumentOutOfRangeException.ThrowIfNotEqual(output.Length, StunFormat.IntegritySize);
        var context = stackalloc byte[LibCrypto.ShaContextSize];
        var pad = stackalloc byte[BlockSize];
        var block = new Span<byte>(pad, BlockSize);
        block.Clear();
        if (key.Length > BlockSize)
        {
            SHA1.HashData(key, block);
        }
        else
        {
            key.CopyTo(block);
        }

        Xor(block, 0x36);
        LibCrypto.SHA1_Init(context);
        LibCrypto.SHA1_Update(context, pad, BlockSize);
        var field = BinaryPrimitives.ReverseEndianness((ushort)length);
        fixed (byte* bytes = covered)
        fixed (byte* digest = output)
        {
            LibCrypto.SHA1_Update(context, bytes, 2);
            LibCrypto.SHA1_Update(context, (byte*)&field, sizeof(ushort));
            LibCrypto.SHA1_Update(context, bytes + 4, (nuint)(covered.Length - 4));
            LibCrypto.SHA1_Final(digest, context);

            Xor(block, 0x36 ^ 0x5C);
            LibCrypto.SHA1_Init(context);
            LibCrypto.SHA1_Update(context, pad, BlockSize);
            LibCrypto.SHA1_Update(context, digest, StunFormat.IntegritySize);
            LibCrypto.SHA1_Final(digest, context);
        }

        CryptographicOperations.ZeroMemory(block);
    }

    private static void Xor(Span<byte> block, byte value)
    {
        foreach (ref var item in block)
        {
            item ^= value;
        }
    }
}
