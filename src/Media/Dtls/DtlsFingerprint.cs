namespace VoiceCluster.Media.Dtls;

/// <summary>A certificate's hash as SDP's a=fingerprint has it (RFC 8122 §5): <c>sha-256</c> and <c>AB:CD:…</c>.</summary>
public readonly record struct DtlsFingerprint(string Algorithm, string Value)
{
    /// <summary>Reads an algorithm of sha-256, sha-384, sha-512 and a value of the right length in colon-separated hex, either case.</summary>
    public static bool TryParse(string? algorithm, string? value, out DtlsFingerprint fingerprint) => throw new NotImplementedException();
}
