using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace VoiceCluster.ApiFrontend.Identity;

/// <summary>The one identity behind the user texts of all doors.</summary>
public static class UserIdentity
{
    // The namespace of user texts, fixed for ever: another one would make other users of all texts.
    private static readonly Guid UserTexts = new("5b1f6a52-6d0c-4a5e-9a3e-2f6f3a8d4c11");

    /// <summary>The UUID that a text is, or the one that stands for it (UUID version 5, RFC 9562 §5.5).</summary>
    public static Guid FromText(string text) => Guid.TryParseExact(text, "D", out Guid id) ? id : NameBased(UserTexts, text);

    /// <summary>SHA-1 of the namespace's bytes in network order and the name's UTF-8 (RFC 9562 §5.5).</summary>
    internal static Guid NameBased(Guid ns, string name)
    {
        byte[] input = new byte[16 + Encoding.UTF8.GetByteCount(name)];
        ns.TryWriteBytes(input, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(name, input.AsSpan(16));
        byte[] hash = SHA1.HashData(input);

        // RFC 9562 §4.1 and §4.2: the variant 10 and the version 5.
        BinaryPrimitives.WriteUInt16BigEndian(hash.AsSpan(6), (ushort)((BinaryPrimitives.ReadUInt16BigEndian(hash.AsSpan(6)) & 0x0fff) | 0x5000));
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }
}
