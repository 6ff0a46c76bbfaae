using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using VoiceCluster.Media.Dtls;

namespace VoiceCluster.Media.Transports;

/// <summary>What the client signals about its DTLS: mediasoup's dtlsParameters.</summary>
/// <param name="Role">"auto", "client" or "server": the client's own role.</param>
/// <param name="Fingerprint">The strongest fingerprint it gave; its certificate must have it.</param>
public sealed record DtlsParameters(string Role, DtlsFingerprint Fingerprint)
{
    /// <summary>The client waits for our hello.</summary>
    public const string ServerRole = "server";

    private const int MaxJson = 16 * 1024;
    private const int MaxFingerprints = 16;

    /// <summary>Reads <c>{"role":"client","fingerprints":[{"algorithm":"sha-256","value":"AB:…"}]}</c>; bounded, never throws.</summary>
    public static bool TryParse(string? json, [NotNullWhen(true)] out DtlsParameters? parameters, [NotNullWhen(false)] out string? error)
    {
        parameters = null;
        error = "dtlsParameters is missing or too long.";
        if (json is null || json.Length > MaxJson)
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 4 });
            return TryRead(document.RootElement, out parameters, out error);
        }
        catch (JsonException)
        {
            error = "dtlsParameters is not JSON.";
            return false;
        }
    }

    private static bool TryRead(JsonElement root, [NotNullWhen(true)] out DtlsParameters? parameters, [NotNullWhen(false)] out string? error)
    {
        parameters = null;
        if (root.ValueKind != JsonValueKind.Object)
        {
            error = "dtlsParameters must be an object.";
            return false;
        }

        var role = "auto";
        if (root.TryGetProperty("role", out var given))
        {
            role = given.ValueKind == JsonValueKind.String ? given.GetString()! : "";
            if (role is not ("auto" or "client" or ServerRole))
            {
                error = "dtlsParameters.role must be auto, client or server.";
                return false;
            }
        }

        if (!root.TryGetProperty("fingerprints", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MaxFingerprints)
        {
            error = "dtlsParameters.fingerprints must be an array of at most 16.";
            return false;
        }

        DtlsFingerprint? best = null;
        foreach (var item in list.EnumerateArray())
        {
            // RFC 8122 §5.1: of several hash functions the strongest that one supports is checked. Names sort by strength.
            if (Text(item, "algorithm") is { } algorithm
                && DtlsFingerprint.TryParse(algorithm, Text(item, "value"), out var fingerprint)
                && (best is null || string.CompareOrdinal(fingerprint.Algorithm, best.Value.Algorithm) > 0))
            {
                best = fingerprint;
            }
        }

        if (best is null)
        {
            error = "dtlsParameters.fingerprints holds no sha-256, sha-384 or sha-512 fingerprint.";
            return false;
        }

        parameters = new DtlsParameters(role, best.Value);
        error = null;
        return true;
    }

    private static string? Text(JsonElement item, string name) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
