using System.Security.Cryptography;

namespace VoiceCluster.Media.Dtls;

/// <summary>A certificate's hash as SDP's a=fingerprint has it (RFC 8122 §5): <c>sha-256</c> and <c>AB:CD:…</c>.</summary>
public readonly record struct DtlsFingerprint(string Algorithm, string Value)
{
    /// <summary>Reads an algorithm of sha-256, sha-384, sha-512 and a value of the right length in colon-separated hex, either case.</summary>
    public static bool TryParse(string? algorithm, string? value, out DtlsFingerprint fingerprint)
    {
        fingerprint = default;
        var size = algorithm?.ToLowerInvariant() switch
        {
            "sha-256" => 32,
            "sha-384" => 48,
            "sha-512" => 64,
            _ => 0, // RFC 8122 §5 forbids MD2 and MD5; SHA-1 is no proof any more.
        };
        if (size == 0 || value is null || value.Length != (3 * size) - 1)
        {
            return false;
        }

        for (var i = 0; i < value.Length; i++)
        {
            if (i % 3 == 2 ? value[i] != ':' : !char.IsAsciiHexDigit(value[i]))
            {
                return false;
            }
        }

        fingerprint = new DtlsFingerprint(algorithm!.ToLowerInvariant(), value.ToUpperInvariant());
        return true;
    }

    /// <summary>The fingerprint of a certificate in DER.</summary>
    public static DtlsFingerprint Of(ReadOnlySpan<byte> certificate, string algorithm)
    {
        var hash = algorithm switch
        {
            "sha-256" => SHA256.HashData(certificate),
            "sha-384" => SHA384.HashData(certificate),
            "sha-512" => SHA512.HashData(certificate),
            _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Only sha-256, sha-384 and sha-512."),
        };
        return new DtlsFingerprint(algorithm, string.Join(':', hash.Select(static value => value.ToString("X2"))));
    }

    /// <summary>Whether a certificate in DER has this fingerprint. The default value matches none.</summary>
    public bool Matches(ReadOnlySpan<byte> certificate) =>
        TryParse(Algorithm, Value, out var clean) && clean == Of(certificate, clean.Algorithm);
}
