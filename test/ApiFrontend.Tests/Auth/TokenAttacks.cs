using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>Forged, broken and stolen tokens by name. Each must get 401 whichever way it comes.</summary>
internal static class TokenAttacks
{
    private static readonly byte[] SecretBytes = Encoding.UTF8.GetBytes(TokenForge.Secret);

    public static Dictionary<string, Func<IdentityFixture, string>> All { get; } = new()
    {
        // The algorithm.
        ["none, unsigned"] = f => $"{TokenForge.Encode(TokenForge.Header("none"))}.{TokenForge.Encode(f.Forge.Claims())}.",
        ["none, signed"] = f => TokenForge.Hmac(TokenForge.Header("none"), f.Forge.Claims()),
        ["nOnE, signed"] = f => TokenForge.Hmac(TokenForge.Header("nOnE"), f.Forge.Claims()),
        ["lower case hs256"] = f => TokenForge.Hmac(TokenForge.Header("hs256"), f.Forge.Claims()),
        ["HS512 with the right secret"] = f => Sign(f, TokenForge.Header("HS512"), data => HMACSHA512.HashData(SecretBytes, data)),
        ["HS384 with the right secret"] = f => Sign(f, TokenForge.Header("HS384"), data => HMACSHA384.HashData(SecretBytes, data)),
        ["PS256 with the right key"] = f => Sign(f, TokenForge.Header("PS256", TokenForge.RsaKeyId),
            data => f.Forge.Rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pss)),
        ["RS512 with the right key"] = f => Sign(f, TokenForge.Header("RS512", TokenForge.RsaKeyId),
            data => f.Forge.Rsa.SignData(data, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1)),
        ["no alg"] = f => TokenForge.Hmac("""{"typ":"JWT"}""", f.Forge.Claims()),
        ["alg a number"] = f => TokenForge.Hmac("""{"alg":256}""", f.Forge.Claims()),
        ["alg a list"] = f => TokenForge.Hmac("""{"alg":["HS256"]}""", f.Forge.Claims()),
        ["alg half a surrogate"] = f => TokenForge.Hmac("""{"alg":"\ud800"}""", f.Forge.Claims()),

        // Key confusion.
        ["HS256 with the RSA public key, PEM"] = f => TokenForge.Hmac(
            TokenForge.Header("HS256", TokenForge.RsaKeyId), f.Forge.Claims(), Encoding.ASCII.GetBytes(f.Forge.Rsa.ExportSubjectPublicKeyInfoPem())),
        ["HS256 with the RSA public key, DER"] = f => TokenForge.Hmac(
            TokenForge.Header("HS256", TokenForge.RsaKeyId), f.Forge.Claims(), f.Forge.Rsa.ExportSubjectPublicKeyInfo()),
        ["HS256 with the RSA modulus"] = f => TokenForge.Hmac(
            TokenForge.Header("HS256", TokenForge.RsaKeyId), f.Forge.Claims(), f.Forge.Rsa.ExportParameters(false).Modulus!),
        ["HS256 with the EC public key"] = f => TokenForge.Hmac(
            TokenForge.Header("HS256", TokenForge.EcKeyId), f.Forge.Claims(), f.Forge.Ec.ExportSubjectPublicKeyInfo()),
        ["HS256 with an oct key of the key set"] = f => TokenForge.Hmac(
            TokenForge.Header("HS256", "oct-1"), f.Forge.Claims(), IdentityFixture.PublishedOctKey),
        ["RS256 header over an HMAC by the secret"] = f => TokenForge.Hmac(TokenForge.Header("RS256", TokenForge.RsaKeyId), f.Forge.Claims()),
        ["ES256 header over the RSA key's id"] = f => TokenForge.EcSigned(
            TokenForge.Header("ES256", TokenForge.RsaKeyId), f.Forge.Claims(), f.Forge.Ec),
        ["RS256 header over the EC key's id"] = f => TokenForge.RsaSigned(
            TokenForge.Header("RS256", TokenForge.EcKeyId), f.Forge.Claims(), f.Forge.Rsa),
        ["a weak RSA key of the key set"] = f => TokenForge.RsaSigned(TokenForge.Header("RS256", "weak-1"), f.Forge.Claims(), f.WeakRsa),
        ["an encryption key of the key set"] = f => TokenForge.RsaSigned(TokenForge.Header("RS256", "enc-1"), f.Forge.Claims(), f.EncryptionRsa),

        // Wrong keys and signatures.
        ["wrong secret"] = f => TokenForge.Hmac(TokenForge.Header("HS256"), f.Forge.Claims(), Encoding.ASCII.GetBytes("another secret, also longer than 32 bytes")),
        ["empty secret"] = f => TokenForge.Hmac(TokenForge.Header("HS256"), f.Forge.Claims(), []),
        ["attacker's RSA key under a known id"] = f => TokenForge.RsaSigned(
            TokenForge.Header("RS256", TokenForge.RsaKeyId), f.Forge.Claims(), f.Forge.AttackerRsa),
        ["attacker's RSA key under an unknown id"] = f => TokenForge.RsaSigned(
            TokenForge.Header("RS256", "attacker-1"), f.Forge.Claims(), f.Forge.AttackerRsa),
        ["attacker's RSA key without an id"] = f => TokenForge.RsaSigned(TokenForge.Header("RS256"), f.Forge.Claims(), f.Forge.AttackerRsa),
        ["ES256 with r = s = 0"] = f => Sign(f, TokenForge.Header("ES256", TokenForge.EcKeyId), _ => new byte[64]),
        ["ES256 signature in DER"] = f => Sign(f, TokenForge.Header("ES256", TokenForge.EcKeyId),
            data => f.Forge.Ec.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)),
        ["signature with a flipped bit"] = f => Flip(f.Forge.ValidHmac(), 2, 3),
        ["RSA signature with a flipped bit"] = f => Flip(f.Forge.ValidRsa(), 2, 3),
        ["payload with a flipped bit"] = f => Flip(f.Forge.ValidHmac(), 1, 12),
        ["another payload under the signature"] = f => Splice(f, c => c["roles"] = new JsonArray("admin")),
        ["empty signature"] = f => f.Forge.ValidHmac()[..(f.Forge.ValidHmac().LastIndexOf('.') + 1)],
        ["signature cut short"] = f => f.Forge.ValidHmac()[..^4],
        ["signature with stray bits"] = f => Stray(f.Forge.ValidHmac()),
        ["signature with padding"] = f => f.Forge.ValidHmac() + "=",

        // The key id and keys that the token brings along.
        ["kid a path"] = f => TokenForge.Hmac(TokenForge.Header("HS256", "../../../../../../dev/null"), f.Forge.Claims(), []),
        ["kid an SQL injection"] = f => TokenForge.Hmac(
            TokenForge.Header("HS256", "x' UNION SELECT 'k' -- "), f.Forge.Claims(), Encoding.ASCII.GetBytes("k")),
        ["kid a command"] = f => TokenForge.RsaSigned(TokenForge.Header("RS256", "key.pem; id"), f.Forge.Claims(), f.Forge.AttackerRsa),
        ["kid a number"] = f => TokenForge.RsaSigned("""{"alg":"RS256","kid":1}""", f.Forge.Claims(), f.Forge.Rsa),
        ["kid null"] = f => TokenForge.RsaSigned("""{"alg":"RS256","kid":null}""", f.Forge.Claims(), f.Forge.Rsa),
        ["kid too long"] = f => TokenForge.RsaSigned(TokenForge.Header("RS256", new string('k', 300)), f.Forge.Claims(), f.Forge.Rsa),
        ["jwk in the header"] = f => TokenForge.RsaSigned(
            TokenForge.Header("RS256", "attacker-1", h => h["jwk"] = TokenForge.Jwk(f.Forge.AttackerRsa, "attacker-1")), f.Forge.Claims(), f.Forge.AttackerRsa),
        ["jku in the header"] = f => TokenForge.RsaSigned(
            TokenForge.Header("RS256", "attacker-1", h => h["jku"] = f.Trap.Url), f.Forge.Claims(), f.Forge.AttackerRsa),
        ["x5u in the header"] = f => TokenForge.RsaSigned(
            TokenForge.Header("RS256", "attacker-1", h => h["x5u"] = f.Trap.Url), f.Forge.Claims(), f.Forge.AttackerRsa),
        ["x5c in the header"] = f => TokenForge.RsaSigned(
            TokenForge.Header("RS256", "attacker-1", h => h["x5c"] = new JsonArray(Certificate(f.Forge.AttackerRsa))), f.Forge.Claims(), f.Forge.AttackerRsa),

        // Other header fields.
        ["unknown crit"] = f => TokenForge.Hmac(TokenForge.Header("HS256", change: h => { h["crit"] = new JsonArray("exp2"); h["exp2"] = 1; }), f.Forge.Claims()),
        ["empty crit"] = f => TokenForge.Hmac(TokenForge.Header("HS256", change: h => h["crit"] = new JsonArray()), f.Forge.Claims()),
        ["unencoded payload"] = f => TokenForge.Hmac(
            TokenForge.Header("HS256", change: h => { h["crit"] = new JsonArray("b64"); h["b64"] = false; }), f.Forge.Claims()),
        ["another type of token"] = f => TokenForge.Hmac(TokenForge.Header("HS256", change: h => h["typ"] = "logout+jwt"), f.Forge.Claims()),
        ["a nested token"] = f => TokenForge.Hmac(TokenForge.Header("HS256", change: h => h["cty"] = "JWT"), f.Forge.ValidHmac()),
        ["alg twice"] = f => TokenForge.Hmac("""{"alg":"none","alg":"HS256"}""", f.Forge.Claims()),
        ["alg twice, escaped"] = f => TokenForge.Hmac("""{"alg":"HS256","al\u0067":"HS256"}""", f.Forge.Claims()),
        ["kid twice"] = f => TokenForge.RsaSigned("""{"alg":"RS256","kid":"rsa-1","kid":"rsa-1"}""", f.Forge.Claims(), f.Forge.Rsa),
        ["header nested too deep"] = f => TokenForge.Hmac(
            $$"""{"alg":"HS256","x":{{new string('[', 1500)}}{{new string(']', 1500)}}}""", f.Forge.Claims()),
        ["a name of half a surrogate"] = f => TokenForge.Hmac("""{"alg":"HS256","\ud800":1}""", f.Forge.Claims()),

        // Claims.
        ["expired"] = f => f.Forge.ValidHmac(c => c["exp"] = (long)c["exp"]! - 7200),
        ["not yet valid"] = f => f.Forge.ValidHmac(c => c["nbf"] = (long)c["nbf"]! + 600),
        ["nbf a text"] = f => f.Forge.ValidHmac(c => c["nbf"] = "0"),
        ["no exp"] = f => f.Forge.ValidHmac(c => c.Remove("exp")),
        ["exp null"] = f => f.Forge.ValidHmac(c => c["exp"] = null),
        ["exp a text"] = f => f.Forge.ValidHmac(c => c["exp"] = "99999999999"),
        ["exp beyond time"] = f => TokenForge.Hmac(TokenForge.Header("HS256"), f.Forge.Claims().Replace("\"exp\":", "\"exp\":1e300,\"was\":")),
        ["exp beyond numbers"] = f => TokenForge.Hmac(TokenForge.Header("HS256"), f.Forge.Claims().Replace("\"exp\":", "\"exp\":1e999,\"was\":")),
        ["exp negative"] = f => f.Forge.ValidHmac(c => c["exp"] = -1),
        ["exp twice"] = f => TokenForge.Hmac(TokenForge.Header("HS256"), f.Forge.Claims().Replace("{", "{\"exp\":1,")),
        ["sub twice"] = f => TokenForge.Hmac(TokenForge.Header("HS256"), f.Forge.Claims().Replace("{", "{\"sub\":\"admin\",")),
        ["wrong issuer"] = f => f.Forge.ValidHmac(c => c["iss"] = "https://issuer.example.evil"),
        ["no issuer"] = f => f.Forge.ValidHmac(c => c.Remove("iss")),
        ["wrong audience"] = f => f.Forge.ValidHmac(c => c["aud"] = "billing"),
        ["wrong audiences"] = f => f.Forge.ValidHmac(c => c["aud"] = new JsonArray("billing", "Voice")),
        ["no audience"] = f => f.Forge.ValidHmac(c => c.Remove("aud")),
        ["no subject"] = f => f.Forge.ValidHmac(c => c.Remove("sub")),
        ["empty subject"] = f => f.Forge.ValidHmac(c => c["sub"] = " "),
        ["subject a number"] = f => f.Forge.ValidHmac(c => c["sub"] = 1),
        ["subject too long"] = f => f.Forge.ValidHmac(c => c["sub"] = new string('s', 257)),
        ["subject half a surrogate"] = f => TokenForge.Hmac(
            TokenForge.Header("HS256"), f.Forge.Claims().Replace(TokenForge.Subject, "\\udc00")),
        ["roles a number"] = f => f.Forge.ValidHmac(c => c["roles"] = 7),
        ["rooms of objects"] = f => f.Forge.ValidHmac(c => c["rooms"] = new JsonArray(new JsonObject())),
        ["payload a list"] = _ => TokenForge.Hmac(TokenForge.Header("HS256"), "[]"),
        ["payload no JSON"] = _ => TokenForge.Hmac(TokenForge.Header("HS256"), "hello"),
        ["payload with a tail"] = f => TokenForge.Hmac(TokenForge.Header("HS256"), f.Forge.Claims() + "{}"),
        ["payload of broken UTF-8"] = f => TokenForge.Sign(
            TokenForge.Header("HS256"), [.. Encoding.ASCII.GetBytes("{\"sub\":\""), 0xC3, 0x28, .. "\"}"u8], data => HMACSHA256.HashData(SecretBytes, data)),

        // The shape as a whole.
        ["oversized"] = f => f.Forge.ValidHmac(c => c["pad"] = new string('x', 8 * 1024)),
        ["two parts"] = f => f.Forge.ValidHmac()[..f.Forge.ValidHmac().LastIndexOf('.')],
        ["one part"] = _ => TokenForge.Encode(TokenForge.Header("HS256")),
        ["four parts"] = f => f.Forge.ValidHmac() + ".e30",
        ["five parts, encrypted"] = f => $"{TokenForge.Encode("""{"alg":"dir","enc":"A128CBC-HS256","zip":"DEF"}""")}..{f.Forge.ValidHmac()[..20].Replace('.', 'A')}.AAAA.AAAA",
        ["empty payload"] = _ => $"{TokenForge.Encode(TokenForge.Header("HS256"))}..AAAA",
        ["empty header"] = f => f.Forge.ValidHmac()[f.Forge.ValidHmac().IndexOf('.')..],
        ["only dots"] = _ => "..",
        ["the secret itself"] = _ => TokenForge.Encode(TokenForge.Secret),
        ["JSON serialisation"] = f => TokenForge.Encode($$"""{"payload":"{{TokenForge.Encode(f.Forge.Claims())}}"}"""),
        ["standard base64"] = f => f.Forge.ValidHmac().Replace('-', '+').Replace('_', '/') + "+",
    };

    private static string Sign(IdentityFixture f, string header, Func<byte[], byte[]> signature)
        => TokenForge.Sign(header, Encoding.UTF8.GetBytes(f.Forge.Claims()), signature);

    private static string Flip(string token, int part, int at)
    {
        var parts = token.Split('.');
        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(parts[part]);
        bytes[at] ^= 0x01;
        parts[part] = TokenForge.Encode(bytes);
        return string.Join('.', parts);
    }

    private static string Splice(IdentityFixture f, Action<JsonObject> change)
    {
        var parts = f.Forge.ValidHmac().Split('.');
        return $"{parts[0]}.{TokenForge.Encode(f.Forge.Claims(change))}.{parts[2]}";
    }

    /// <summary>32 bytes take 42 characters and four bits: the last character has two spare bits, which are set here.</summary>
    private static string Stray(string token)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return token[..^1] + alphabet[alphabet.IndexOf(token[^1]) | 0b11];
    }

    private static string Certificate(RSA key)
    {
        using var certificate = new CertificateRequest("CN=attacker", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        return Convert.ToBase64String(certificate.RawData);
    }
}
