using System.Buffers.Text;
using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>
/// The strict gate before any cryptography: size, three canonical base64url parts, one JSON object each with no name twice,
/// a pinned algorithm, nothing critical. What passes has one meaning to every parser behind.
/// </summary>
internal sealed class TokenShape : IDisposable
{
    /// <summary>A longer token is refused unread. In characters; a token is ASCII.</summary>
    public const int MaxLength = 8 * 1024;

    /// <summary>A longer key id is not looked up. In characters.</summary>
    private const int MaxHeaderText = 256;

    private readonly JsonDocument _payload;

    private TokenShape(string algorithm, string? keyId, JsonDocument payload)
    {
        Algorithm = algorithm;
        KeyId = keyId;
        _payload = payload;
    }

    /// <summary>HS256, RS256 or ES256.</summary>
    public string Algorithm { get; }

    /// <summary>The <c>kid</c>, an opaque text that is only ever compared.</summary>
    public string? KeyId { get; }

    /// <summary>The claims, not yet verified.</summary>
    public JsonElement Claims => _payload.RootElement;

    /// <summary>Reads the shape; the caller disposes it.</summary>
    public static TokenFault TryRead(string token, out TokenShape? shape)
    {
        shape = null;
        if (token.Length > MaxLength)
        {
            return TokenFault.TooLong;
        }

        // RFC 7515 §7.1: exactly three parts. Five would be an encrypted token (RFC 7516), which is not spoken here.
        Span<Range> parts = stackalloc Range[4];
        if (token.AsSpan().Split(parts, '.') != 3 || !IsCanonical(token.AsSpan(parts[2])))
        {
            return TokenFault.Malformed;
        }

        using var header = TryParse(token.AsSpan(parts[0]));
        if (header is null)
        {
            return TokenFault.Malformed;
        }

        var fault = ReadHeader(header.RootElement, out var algorithm, out var keyId);
        if (fault != TokenFault.None)
        {
            return fault;
        }

        var payload = TryParse(token.AsSpan(parts[1]));
        if (payload is null)
        {
            return TokenFault.Malformed;
        }

        shape = new TokenShape(algorithm, keyId, payload);
        return TokenFault.None;
    }

    public void Dispose() => _payload.Dispose();

    private static TokenFault ReadHeader(JsonElement header, out string algorithm, out string? keyId)
    {
        algorithm = string.Empty;
        keyId = null;

        // RFC 7515 §4.1.11: a token with a critical extension that is not understood MUST be refused, and none is understood.
        if (header.TryGetProperty("crit", out _))
        {
            return TokenFault.CriticalHeader;
        }

        // RFC 8725 §3.1: only algorithms that were chosen here, compared exactly. "none" is not among them.
        if (!header.TryGetProperty("alg", out var alg) || StrictJson.TextOf(alg, MaxHeaderText) is not { } name
            || name is not ("HS256" or "RS256" or "ES256"))
        {
            return TokenFault.Algorithm;
        }

        // RFC 8725 §3.11: another kind of token signed by the same issuer is not taken for an access token.
        if (header.TryGetProperty("cty", out _) || (header.TryGetProperty("typ", out var typ) && !IsAccessTokenType(typ)))
        {
            return TokenFault.TokenType;
        }

        if (header.TryGetProperty("kid", out var kid))
        {
            keyId = StrictJson.TextOf(kid, MaxHeaderText);
            if (keyId is null)
            {
                return TokenFault.Malformed;
            }
        }

        algorithm = name;
        return TokenFault.None;
    }

    private static bool IsAccessTokenType(JsonElement typ) => StrictJson.TextOf(typ, MaxHeaderText)?.ToUpperInvariant()
        is "JWT" or "AT+JWT" or "APPLICATION/AT+JWT";

    private static JsonDocument? TryParse(ReadOnlySpan<char> part)
        => IsCanonical(part) ? StrictJson.TryParseObject(Base64Url.DecodeFromChars(part)) : null;

    /// <summary>RFC 7515 §2: base64url without padding, white space or stray bits, so that one token has one spelling.</summary>
    private static bool IsCanonical(ReadOnlySpan<char> part)
    {
        if (part.IsEmpty || part.Length % 4 == 1)
        {
            return false;
        }

        foreach (var c in part)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return false;
            }
        }

        // Bits of the last character that no byte takes must be zero.
        var strayBits = (part.Length % 4) switch { 2 => 0b1111, 3 => 0b11, _ => 0 };
        return (SixBits(part[^1]) & strayBits) == 0;
    }

    private static int SixBits(char c) => c switch
    {
        >= 'A' and <= 'Z' => c - 'A',
        >= 'a' and <= 'z' => c - 'a' + 26,
        >= '0' and <= '9' => c - '0' + 52,
        '-' => 62,
        _ => 63,
    };
}
