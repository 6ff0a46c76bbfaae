using System.Text.Json;
using VoiceCluster.ApiFrontend.Identity;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>Makes an identity of the claims of a verified token. A claim of the wrong type refuses the whole token.</summary>
internal static class TokenClaims
{
    private const int MaxSubjectLength = 256;
    private const int MaxNameLength = 128;
    private const int MaxListItems = 64;
    private const int MaxItemLength = 256;

    public static TokenResult Read(JsonElement claims, DateTimeOffset now, TimeSpan skew)
    {
        var fault = CheckLifetime(claims, now, skew, out var expiresAt);
        if (fault != TokenFault.None)
        {
            return TokenResult.Refused(fault);
        }

        if (!TryText(claims, "sub", MaxSubjectLength, out var subject) || string.IsNullOrWhiteSpace(subject)
            || !TryText(claims, "name", MaxNameLength, out var name)
            || !TryList(claims, "roles", out var roles)
            || !TryList(claims, "rooms", out var rooms))
        {
            return TokenResult.Refused(TokenFault.Claims);
        }

        return TokenResult.Accepted(new VoiceIdentity(
            UserIdentity.FromText(subject), subject, string.IsNullOrWhiteSpace(name) ? subject : name, roles ?? [], rooms, expiresAt));
    }

    /// <summary>RFC 7519 §4.1.4 and §4.1.5. A token without an end is refused: it could never be withdrawn.</summary>
    private static TokenFault CheckLifetime(JsonElement claims, DateTimeOffset now, TimeSpan skew, out DateTimeOffset expiresAt)
    {
        expiresAt = default;
        if (!claims.TryGetProperty("exp", out var exp))
        {
            return TokenFault.NoExpiry;
        }

        if (!TryTime(exp, out expiresAt))
        {
            return TokenFault.Claims;
        }

        if (expiresAt <= now - skew)
        {
            return TokenFault.Expired;
        }

        if (claims.TryGetProperty("nbf", out var nbf))
        {
            if (!TryTime(nbf, out var notBefore))
            {
                return TokenFault.Claims;
            }

            if (notBefore > now + skew)
            {
                return TokenFault.NotYetValid;
            }
        }

        return TokenFault.None;
    }

    /// <summary>RFC 7519 §2, NumericDate: seconds since 1970, a fraction allowed.</summary>
    private static bool TryTime(JsonElement value, out DateTimeOffset time)
    {
        time = default;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var seconds)
            || seconds < 0 || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            return false;
        }

        time = DateTimeOffset.UnixEpoch.AddSeconds(Math.Floor(seconds));
        return true;
    }

    private static bool TryText(JsonElement claims, string name, int maxLength, out string? text)
    {
        text = null;
        if (!claims.TryGetProperty(name, out var value))
        {
            return true;
        }

        text = StrictJson.TextOf(value, maxLength);
        return text is not null;
    }

    /// <summary>A list of texts, or one text alone. Absent is null.</summary>
    private static bool TryList(JsonElement claims, string name, out IReadOnlyList<string>? list)
    {
        list = null;
        if (!claims.TryGetProperty(name, out var value))
        {
            return true;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            list = StrictJson.TextOf(value, MaxItemLength) is { } single ? [single] : null;
            return list is not null;
        }

        if (value.GetArrayLength() > MaxListItems)
        {
            return false;
        }

        List<string> items = [];
        foreach (var element in value.EnumerateArray())
        {
            if (StrictJson.TextOf(element, MaxItemLength) is not { } item)
            {
                return false;
            }

            items.Add(item);
        }

        list = items;
        return true;
    }
}
