using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>A public key of an issuer with the one algorithm that it may verify.</summary>
/// <param name="KeyId">The <c>kid</c>, or null.</param>
/// <param name="Algorithm">RS256 for RSA, ES256 for P-256. The key decides, never the token.</param>
internal sealed record IssuerKey(string? KeyId, string Algorithm, SecurityKey Key);

/// <summary>The usable keys of a JWK set (RFC 7517). Keys of other kinds and uses are left out, secrets above all.</summary>
internal sealed class KeySet
{
    private const int MaxKeys = 64;
    private const int MaxText = 2048;

    /// <summary>RFC 7518 §3.3: a key of 2048 bits or larger MUST be used. The upper bound keeps a verification cheap.</summary>
    private const int LeastRsaBits = 2048;
    private const int MostRsaBits = 8192;

    private readonly IssuerKey[] _keys;

    private KeySet(IssuerKey[] keys) => _keys = keys;

    public int Count => _keys.Length;

    /// <summary>The key for a token: by id and algorithm. A token without id gets the key only when there is no choice.</summary>
    public IssuerKey? Find(string algorithm, string? keyId)
    {
        IssuerKey? found = null;
        foreach (var key in _keys)
        {
            if (key.Algorithm == algorithm && (keyId is null || key.KeyId == keyId))
            {
                if (found is not null)
                {
                    return null;
                }

                found = key;
            }
        }

        return found;
    }

    /// <summary>Reads a JWK set, or null when the text is none.</summary>
    public static KeySet? TryParse(ReadOnlyMemory<byte> utf8)
    {
        using var document = StrictJson.TryParseObject(utf8);
        if (document is null || !document.RootElement.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        return new KeySet([.. keys.EnumerateArray().Take(MaxKeys).Select(TryRead).OfType<IssuerKey>()]);
    }

    private static IssuerKey? TryRead(JsonElement jwk)
    {
        if (jwk.ValueKind != JsonValueKind.Object || !MayVerify(jwk))
        {
            return null;
        }

        // RFC 8725 §2.1: the type of the key fixes the algorithm. Symmetric keys ("oct") never come from a public address.
        var (algorithm, key) = StrictJson.TextOf(jwk, "kty", MaxText) switch
        {
            "RSA" => ("RS256", TryReadRsa(jwk)),
            "EC" when StrictJson.TextOf(jwk, "crv", MaxText) == "P-256" => ("ES256", TryReadEc(jwk)),
            _ => (string.Empty, null),
        };
        if (key is null || (StrictJson.TextOf(jwk, "alg", MaxText) is { } pinned && pinned != algorithm))
        {
            return null;
        }

        return new IssuerKey(StrictJson.TextOf(jwk, "kid", MaxText), algorithm, key);
    }

    private static bool MayVerify(JsonElement jwk)
    {
        if (StrictJson.TextOf(jwk, "use", MaxText) is { } use && use != "sig")
        {
            return false;
        }

        return !jwk.TryGetProperty("key_ops", out var operations) || (operations.ValueKind == JsonValueKind.Array
            && operations.EnumerateArray().Any(o => StrictJson.TextOf(o, MaxText) == "verify"));
    }

    private static SecurityKey? TryReadRsa(JsonElement jwk)
    {
        if (Bytes(jwk, "n") is not { } modulus || Bytes(jwk, "e") is not { Length: >= 1 and <= 4 } exponent)
        {
            return null;
        }

        var bits = modulus.AsSpan().TrimStart((byte)0).Length * 8;
        return bits is < LeastRsaBits or > MostRsaBits
            ? null
            : new RsaSecurityKey(new RSAParameters { Modulus = modulus, Exponent = exponent });
    }

    private static SecurityKey? TryReadEc(JsonElement jwk)
    {
        if (Bytes(jwk, "x") is not { Length: 32 } x || Bytes(jwk, "y") is not { Length: 32 } y)
        {
            return null;
        }

        try
        {
            // The import refuses a point that is not on the curve.
            return new ECDsaSecurityKey(ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = y } }));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static byte[]? Bytes(JsonElement jwk, string name)
    {
        if (StrictJson.TextOf(jwk, name, MaxText) is not { } text)
        {
            return null;
        }

        try
        {
            return System.Buffers.Text.Base64Url.DecodeFromChars(text);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
