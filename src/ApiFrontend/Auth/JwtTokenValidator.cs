using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>
/// Verifies JWTs: the strict gate (<see cref="TokenShape"/>), the key that its algorithm and id name, the signature, issuer and
/// audience, then the claims (<see cref="TokenClaims"/>). An algorithm goes with one kind of key, so that no key is ever used
/// for another algorithm than its own (RFC 8725 §2.1).
/// </summary>
internal sealed partial class JwtTokenValidator : ITokenValidator
{
    private readonly AuthOptions _options;
    private readonly IssuerKeys _issuerKeys;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SecurityKey? _secret;
    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = TokenShape.MaxLength };

    /// <summary>Caching of signature providers would keep the objects of rotated keys for ever.</summary>
    private readonly CryptoProviderFactory _crypto = new() { CacheSignatureProviders = false };

    public JwtTokenValidator(IOptions<AuthOptions> options, IssuerKeys issuerKeys, TimeProvider time, ILogger<JwtTokenValidator> logger)
    {
        _options = options.Value;
        _issuerKeys = issuerKeys;
        _time = time;
        _logger = logger;
        _secret = string.IsNullOrEmpty(_options.Secret) ? null : new SymmetricSecurityKey(Encoding.UTF8.GetBytes(_options.Secret));
    }

    public async ValueTask<TokenResult> ValidateAsync(string token, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(token);
        var result = await CheckAsync(token, cancellationToken).ConfigureAwait(false);
        if (!result.Succeeded)
        {
            TokenRefused(_logger, result.Fault);
        }

        return result;
    }

    private async ValueTask<TokenResult> CheckAsync(string token, CancellationToken cancellationToken)
    {
        var fault = TokenShape.TryRead(token, out var read);
        if (read is null)
        {
            return TokenResult.Refused(fault);
        }

        using var shape = read;
        var key = shape.Algorithm == SecurityAlgorithms.HmacSha256
            ? _secret
            : (await _issuerKeys.FindAsync(shape.Algorithm, shape.KeyId, cancellationToken).ConfigureAwait(false))?.Key;
        if (key is null)
        {
            var awaited = shape.Algorithm != SecurityAlgorithms.HmacSha256 && !string.IsNullOrEmpty(_options.JwksUrl) && !_issuerKeys.Available;
            return TokenResult.Refused(awaited ? TokenFault.KeysUnavailable : TokenFault.UnknownKey);
        }

        fault = Verify(token, shape.Algorithm, key);
        return fault == TokenFault.None
            ? TokenClaims.Read(shape.Claims, _time.GetUtcNow(), _options.ClockSkew)
            : TokenResult.Refused(fault);
    }

    /// <summary>Signature, issuer and audience. Times are checked by <see cref="TokenClaims"/>, on the injected clock.</summary>
    private TokenFault Verify(string token, string algorithm, SecurityKey key)
    {
        var result = _handler.ValidateToken(token, new TokenValidationParameters
        {
            CryptoProviderFactory = _crypto,
            IssuerSigningKey = key,
            RequireSignedTokens = true,
            TryAllIssuerSigningKeys = true,
            ValidAlgorithms = [algorithm],
            ValidateLifetime = false,
            ValidateIssuer = !string.IsNullOrEmpty(_options.Issuer),
            ValidIssuer = _options.Issuer,
            ValidateAudience = !string.IsNullOrEmpty(_options.Audience),
            ValidAudience = _options.Audience,
        });
        return result.IsValid ? TokenFault.None : result.Exception switch
        {
            SecurityTokenInvalidIssuerException => TokenFault.Issuer,
            SecurityTokenInvalidAudienceException => TokenFault.Audience,
            _ => TokenFault.Signature,
        };
    }

    [LoggerMessage(3803, LogLevel.Debug, "A token was refused: {Fault}.")]
    private static partial void TokenRefused(ILogger logger, TokenFault fault);
}
