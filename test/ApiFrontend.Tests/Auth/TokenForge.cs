using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>Makes tokens from raw JSON, good and bad ones, with no library between.</summary>
internal sealed class TokenForge(TimeProvider time) : IDisposable
{
    public const string Secret = "a secret of the tests, longer than thirty-two bytes";
    public const string Issuer = "https://issuer.example";
    public const string Audience = "voice";
    public const string RsaKeyId = "rsa-1";
    public const string EcKeyId = "ec-1";
    public const string Subject = "3f0c8a52-9c4e-4a8e-8f53-4b8f6f0f2a10";

    public RSA Rsa { get; } = RSA.Create(2048);

    public ECDsa Ec { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>Keys that the issuer never published.</summary>
    public RSA AttackerRsa { get; } = RSA.Create(2048);

    public static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);

    public static string Encode(string text) => Encode(Encoding.UTF8.GetBytes(text));

    /// <summary>The claims of an honest token, changed at will.</summary>
    public string Claims(Action<JsonObject>? change = null)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        JsonObject claims = new()
        {
            ["sub"] = Subject,
            ["name"] = "Alice",
            ["iss"] = Issuer,
            ["aud"] = Audience,
            ["nbf"] = now - 10,
            ["exp"] = now + 3600,
        };
        change?.Invoke(claims);
        return claims.ToJsonString();
    }

    public static string Header(string algorithm, string? keyId = null, Action<JsonObject>? change = null)
    {
        JsonObject header = new() { ["alg"] = algorithm, ["typ"] = "JWT" };
        if (keyId is not null)
        {
            header["kid"] = keyId;
        }

        change?.Invoke(header);
        return header.ToJsonString();
    }

    public static string Sign(string header, byte[] payload, Func<byte[], byte[]> signature)
    {
        var signed = $"{Encode(header)}.{Encode(payload)}";
        return $"{signed}.{Encode(signature(Encoding.ASCII.GetBytes(signed)))}";
    }

    public static string Hmac(string header, string claims, byte[]? key = null)
        => Sign(header, Encoding.UTF8.GetBytes(claims), data => HMACSHA256.HashData(key ?? Encoding.UTF8.GetBytes(Secret), data));

    public static string RsaSigned(string header, string claims, RSA key)
        => Sign(header, Encoding.UTF8.GetBytes(claims), data => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public static string EcSigned(string header, string claims, ECDsa key)
        => Sign(header, Encoding.UTF8.GetBytes(claims), data => key.SignData(data, HashAlgorithmName.SHA256));

    public string ValidHmac(Action<JsonObject>? change = null) => Hmac(Header("HS256"), Claims(change));

    public string ValidRsa(Action<JsonObject>? change = null) => RsaSigned(Header("RS256", RsaKeyId), Claims(change), Rsa);

    public string ValidEc(Action<JsonObject>? change = null) => EcSigned(Header("ES256", EcKeyId), Claims(change), Ec);

    public static JsonObject Jwk(RSA key, string keyId)
    {
        var parameters = key.ExportParameters(false);
        return new() { ["kty"] = "RSA", ["kid"] = keyId, ["n"] = Encode(parameters.Modulus!), ["e"] = Encode(parameters.Exponent!) };
    }

    public static JsonObject Jwk(ECDsa key, string keyId, string curve = "P-256")
    {
        var point = key.ExportParameters(false).Q;
        return new() { ["kty"] = "EC", ["kid"] = keyId, ["crv"] = curve, ["x"] = Encode(point.X!), ["y"] = Encode(point.Y!) };
    }

    public void Dispose()
    {
        Rsa.Dispose();
        Ec.Dispose();
        AttackerRsa.Dispose();
    }
}
