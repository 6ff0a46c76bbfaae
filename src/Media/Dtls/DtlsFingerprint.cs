using System.Buffers;
using System.Security.Cryptography;

namespace VoiceCluster.Media.Dtls;

/// <summary>A certificate's hash as SDP's a=fingerprint has it (RFC 8122 §5): <c>sha-256</c> and <c>AB:CD:…</c>.</summary>
public readonly record struct DtlsFingerprint(string Algorithm, string Value)
{
    /// <summary>Bytes of the longest hash, that of sha-512.</summary>
    private const int MaxHash = 64;

    /// <summary>Reads an algorithm of sha-256, sha-384, sha-512 and a value of the right length in colon-separated hex, either case.</summary>
    public static bool TryParse(string? algorithm, string? value, out DtlsFingerprint fingerprint)
    {
        Span<byte> hash = stackalloc byte[MaxHash];
        fingerprint = default;
        if (!TryReadHash(algorithm, value, hash, out _))
        {
            return false;
        }

        fingerprint = new DtlsFingerprint(algorithm!.ToLowerInvariant(), value!.ToUpperInvariant());
        return true;
    }

    /// <summary>The fingerprint of a certificate in DER.</summary>
    public static DtlsFingerprint Of(ReadOnlySpan<byte> certificate, string algorithm)
    {
        Span<byte> hash = stackalloc byte[MaxHash];
        var size = Hash(certificate, algorithm, hash);
        return size == 0
            ? throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Only sha-256, sha-384 and sha-512.")
            : new DtlsFingerprint(algorithm, string.Join(':', Convert.ToHexString(hash[..size]).Chunk(2).Select(static digits => new string(digits))));
    }

    /// <summary>Whether a certificate in DER has this fingerprint. The default value matches none.</summary>
    public bool Matches(ReadOnlySpan<byte> certificate)
    {
        Span<byte> expected = stackalloc byte[MaxHash];
        Span<byte> actual = stackalloc byte[MaxHash];
        return TryReadHash(Algorithm, Value, expected, out var size)
            && Hash(certificate, Algorithm, actual) == size
            && actual[..size].SequenceEqual(expected[..size]);
    }

    /// <summary>Bytes of an algorithm's hash; 0 for those not taken. RFC 8122 §5 forbids MD2 and MD5; SHA-1 is no proof any more.</summary>
    private static int SizeOf(string? algorithm) =>
        "sha-256".Equals(algorithm, StringComparison.OrdinalIgnoreCase) ? SHA256.HashSizeInBytes
        : "sha-384".Equals(algorithm, StringComparison.OrdinalIgnoreCase) ? SHA384.HashSizeInBytes
        : "sha-512".Equals(algorithm, StringComparison.OrdinalIgnoreCase) ? SHA512.HashSizeInBytes
        : 0;

    private static int Hash(ReadOnlySpan<byte> certificate, string algorithm, Span<byte> hash) => SizeOf(algorithm) switch
    {
        SHA256.HashSizeInBytes => SHA256.HashData(certificate, hash),
        SHA384.HashSizeInBytes => SHA384.HashData(certificate, hash),
        SHA512.HashSizeInBytes => SHA512.HashData(certificate, hash),
        _ => 0,
    };

    private static bool TryReadHash(string? algorithm, string? value, Span<byte> hash, out int size)
    {
        size = SizeOf(algorithm);
        if (size == 0 || value is null || value.Length != (3 * size) - 1)
        {
            return false;
        }

        for (var i = 0; i < size; i++)
        {
            var digits = value.AsSpan(3 * i, 2);
            if ((i > 0 && value[(3 * i) - 1] != ':')
                || Convert.FromHexString(digits, hash[i..], out _, out _) != OperationStatus.Done)
            {
                return false;
            }
        }

        return true;
    }
}
