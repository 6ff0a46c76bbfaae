using System.Net;
using System.Text;
using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>What a door does with a request that has no token.</summary>
public enum AuthMode
{
    /// <summary>Every door needs a token.</summary>
    Required,

    /// <summary>The doors whose seeds show no token take the identity from the request.</summary>
    Open,
}

/// <summary>Identity, section <c>Auth</c>, and <c>JWT_SECRET</c> beside it.</summary>
public sealed class AuthOptions
{
    /// <summary>RFC 7518 §3.2: an HS256 key has at least the size of the hash.</summary>
    public const int LeastSecretBytes = 32;

    /// <summary>Open or Required. Default Required; Standalone on loopback: Open.</summary>
    public AuthMode Mode { get; set; } = AuthMode.Required;

    /// <summary>Whether anybody may have a token for the asking. Default false; Standalone on loopback: true.</summary>
    public bool DevTokens { get; set; }

    /// <summary>Lets Open mode start on an address that others can reach. Default false.</summary>
    public bool AllowOpenOnPublicBind { get; set; }

    /// <summary>The HS256 key, UTF-8, at least 32 bytes. From <c>JWT_SECRET</c>.</summary>
    public string? Secret { get; internal set; }

    /// <summary>Where the RS256 and ES256 keys are (RFC 7517). https, or http on loopback.</summary>
    public string? JwksUrl { get; set; }

    /// <summary>Lets <see cref="JwksUrl"/> be plain http on any host. Default false.</summary>
    public bool AllowHttpJwks { get; set; }

    /// <summary>How old the key set may be before it is read again, in the background. Default 10 min.</summary>
    public TimeSpan JwksRefresh { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The least time between two reads that unknown key ids or failures cause. Default 30 s.</summary>
    public TimeSpan JwksRetry { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one read of the key set may take. Default 5 s.</summary>
    public TimeSpan JwksTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The only accepted <c>iss</c>. Default: any.</summary>
    public string? Issuer { get; set; }

    /// <summary>What <c>aud</c> must contain. Default: any.</summary>
    public string? Audience { get; set; }

    /// <summary>How far the issuer's clock may be off. Default 30 s.</summary>
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a dev token lives. Default 12 h.</summary>
    public TimeSpan DevTokenLifetime { get; set; } = TimeSpan.FromHours(12);

    /// <summary>The address that the frontend listens on, from <c>Http:Bind</c>. Default 127.0.0.1.</summary>
    internal string Bind { get; set; } = "127.0.0.1";

    /// <summary>Whether an address list has one that others can reach. What is no address is left to <c>Http:Bind</c>'s own check.</summary>
    internal static bool IsReachable(string bind)
        => bind.Split(',', StringSplitOptions.TrimEntries).Any(address => IPAddress.TryParse(address, out var ip) && !IPAddress.IsLoopback(ip));

    /// <summary>Whether only this machine can reach an address list such as <c>127.0.0.1,::1</c>.</summary>
    internal static bool IsLoopback(string bind)
    {
        var addresses = bind.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return addresses.Length > 0 && addresses.All(address => string.Equals(address, "localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(address, out var ip) && IPAddress.IsLoopback(ip)));
    }
}

/// <summary>Names every wrong value at once. The secret itself is never shown.</summary>
internal sealed class AuthOptionsValidator : IValidateOptions<AuthOptions>
{
    private static readonly TimeSpan MostSkew = TimeSpan.FromMinutes(5);

    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        List<string> faults = [];
        if (!Enum.IsDefined(options.Mode))
        {
            faults.Add($"Auth:Mode is {options.Mode}; it must be Open or Required.");
        }

        if (options.Mode == AuthMode.Open && !options.AllowOpenOnPublicBind && AuthOptions.IsReachable(options.Bind))
        {
            faults.Add($"Auth:Mode is Open and Http:Bind is {options.Bind}, which others can reach; "
                + "it must be a loopback address, or Auth:Mode Required, or Auth:AllowOpenOnPublicBind true.");
        }

        CheckKeys(options, faults);
        Within(faults, nameof(options.ClockSkew), options.ClockSkew, TimeSpan.Zero, MostSkew);
        Within(faults, nameof(options.JwksRefresh), options.JwksRefresh, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        Within(faults, nameof(options.JwksRetry), options.JwksRetry, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Within(faults, nameof(options.JwksTimeout), options.JwksTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
        Within(faults, nameof(options.DevTokenLifetime), options.DevTokenLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromDays(30));
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void CheckKeys(AuthOptions options, List<string> faults)
    {
        var hasSecret = !string.IsNullOrEmpty(options.Secret);
        var hasJwks = !string.IsNullOrEmpty(options.JwksUrl);
        if (hasSecret && Encoding.UTF8.GetByteCount(options.Secret!) is var bytes && bytes < AuthOptions.LeastSecretBytes)
        {
            faults.Add($"JWT_SECRET has {bytes} bytes; it must have at least {AuthOptions.LeastSecretBytes}.");
        }

        if (hasJwks && !IsKeyAddress(options))
        {
            faults.Add($"Auth:JwksUrl is {options.JwksUrl}; it must be an https address, or http on loopback, "
                + "or any http address with Auth:AllowHttpJwks true.");
        }

        if (options.Mode == AuthMode.Required && !hasSecret && !hasJwks)
        {
            faults.Add("Auth:Mode is Required and there is no key; "
                + $"JWT_SECRET (at least {AuthOptions.LeastSecretBytes} bytes) or Auth:JwksUrl must be set.");
        }

        if (options.DevTokens && !hasSecret)
        {
            faults.Add($"Auth:DevTokens is true and JWT_SECRET is empty; it must have at least {AuthOptions.LeastSecretBytes} bytes.");
        }
    }

    private static bool IsKeyAddress(AuthOptions options) => Uri.TryCreate(options.JwksUrl, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && (url.IsLoopback || options.AllowHttpJwks)));

    private static void Within(List<string> faults, string option, TimeSpan value, TimeSpan least, TimeSpan most)
    {
        if (value < least || value > most)
        {
            faults.Add($"Auth:{option} is {value}; it must be between {least} and {most}.");
        }
    }
}
