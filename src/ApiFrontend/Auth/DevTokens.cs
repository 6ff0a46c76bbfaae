using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using VoiceCluster.ApiFrontend.Identity;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>Issues tokens for the asking, where <see cref="AuthOptions.DevTokens"/> allows it.</summary>
public sealed class DevTokens(IOptions<AuthOptions> options, TimeProvider time)
{
    /// <summary>The longest username, in characters.</summary>
    public const int MaxUsernameLength = 64;

    private readonly AuthOptions _options = options.Value;
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>Whether tokens are given out here at all.</summary>
    public bool Enabled => _options.DevTokens;

    /// <summary>Letters, digits and <c>. _ - @</c>, 1 to 64 characters.</summary>
    public static bool IsUsername(string? username)
    {
        if (username is not { Length: >= 1 and <= MaxUsernameLength })
        {
            return false;
        }

        foreach (var rune in username.EnumerateRunes())
        {
            if (!Rune.IsLetterOrDigit(rune) && rune.Value is not ('.' or '_' or '-' or '@'))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A token for a username. The same username always has the same user id.</summary>
    public DevToken Issue(string username)
    {
        if (!Enabled || !IsUsername(username))
        {
            throw new InvalidOperationException("Dev tokens are off, or this is no username.");
        }

        var userId = UserIdentity.FromText(username);
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        var expiresAt = now + _options.DevTokenLifetime;
        Dictionary<string, object> claims = new()
        {
            ["sub"] = userId.ToString(),
            ["name"] = username,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = expiresAt.ToUnixTimeSeconds(),
        };
        if (!string.IsNullOrEmpty(_options.Issuer))
        {
            claims["iss"] = _options.Issuer;
        }

        if (!string.IsNullOrEmpty(_options.Audience))
        {
            claims["aud"] = _options.Audience;
        }

        var key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(_options.Secret!));
        var token = _handler.CreateToken(JsonSerializer.Serialize(claims), new SigningCredentials(key, SecurityAlgorithms.HmacSha256));
        return new DevToken(token, userId, expiresAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
    }
}

/// <summary>The answer of <c>POST /api/v1/auth/token</c>.</summary>
/// <param name="Token">The JWT.</param>
/// <param name="UserId">The user id that the token speaks for.</param>
/// <param name="ExpiresAt">When the token ends, RFC 3339 in UTC.</param>
public sealed record DevToken(
    [property: JsonPropertyName("token")] string Token,
    [property: JsonPropertyName("user_id")] Guid UserId,
    [property: JsonPropertyName("expires_at")] string ExpiresAt);
