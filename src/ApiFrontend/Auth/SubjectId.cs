using System.Security.Cryptography;
using System.Text;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>The stable user id of a text.</summary>
internal static class SubjectId
{
    private static readonly Guid UserNamespace = new("6d3f9c5e-2f41-5b0e-9f5d-9f3d0d0b7a11");

    /// <summary>A text that is a UUID is that UUID; any other is the UUIDv5 of its text (RFC 9562 §5.5).</summary>
    public static Guid Of(string text)
    {
        if (Guid.TryParseExact(text, "D", out var id))
        {
            return id;
        }

        byte[] input = [.. UserNamespace.ToByteArray(bigEndian: true), .. Encoding.UTF8.GetBytes(text)];
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(input, hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
