using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Ice;

/// <summary>The STUN and TURN servers that clients are told of: section <c>Ice</c> and the TURN_ variables.</summary>
public sealed class IceServerOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Ice";

    /// <summary>STUN addresses, comma-separated; empty for none. Default: the public one that the protocol's document names.</summary>
    public string StunUrls { get; set; } = "stun:stun.l.google.com:19302";

    /// <summary>TURN addresses, comma-separated, from <c>TURN_URL</c>. Default: none.</summary>
    public string TurnUrls { get; set; } = "";

    /// <summary>The secret shared with the TURN server for temporary credentials, from <c>TURN_SECRET</c>.</summary>
    public string TurnSecret { get; set; } = "";

    /// <summary>A fixed user, from <c>TURN_USERNAME</c>; used when there is no secret.</summary>
    public string TurnUsername { get; set; } = "";

    /// <summary>The fixed user's password, from <c>TURN_PASSWORD</c>.</summary>
    public string TurnPassword { get; set; } = "";

    /// <summary>How long temporary credentials hold; 1 min to 7 days. Default 12 h: longer than calls are.</summary>
    public TimeSpan TurnLifetime { get; set; } = TimeSpan.FromHours(12);

    /// <summary>Reads section and variables.</summary>
    public void Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        configuration.GetSection(Section).Bind(this);
        TurnUrls = configuration["TURN_URL"] ?? TurnUrls;
        TurnSecret = configuration["TURN_SECRET"] ?? TurnSecret;
        TurnUsername = configuration["TURN_USERNAME"] ?? TurnUsername;
        TurnPassword = configuration["TURN_PASSWORD"] ?? TurnPassword;
    }

    /// <summary>The items of a comma-separated list.</summary>
    public static string[] Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>Reports every fault of <see cref="IceServerOptions"/> at once. Secrets are never shown.</summary>
public sealed class IceServerOptionsValidator : IValidateOptions<IceServerOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, IceServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<string> faults = [];
        foreach (var url in IceServerOptions.Split(options.StunUrls).Where(u => !HasScheme(u, "stun:", "stuns:")))
        {
            faults.Add($"Ice:StunUrls has {url}; it must begin with stun: or stuns: (RFC 7064).");
        }

        var turn = IceServerOptions.Split(options.TurnUrls);
        foreach (var url in turn.Where(u => !HasScheme(u, "turn:", "turns:")))
        {
            faults.Add($"TURN_URL has {url}; it must begin with turn: or turns: (RFC 7065).");
        }

        if (turn.Length > 0 && options.TurnSecret.Length == 0 && (options.TurnUsername.Length == 0 || options.TurnPassword.Length == 0))
        {
            faults.Add("TURN_URL is set without credentials; TURN_SECRET, or TURN_USERNAME and TURN_PASSWORD, must be set.");
        }

        if (options.TurnLifetime < TimeSpan.FromMinutes(1) || options.TurnLifetime > TimeSpan.FromDays(7))
        {
            faults.Add($"Ice:TurnLifetime is {options.TurnLifetime}; it must be 1 min to 7 days.");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static bool HasScheme(string url, params string[] schemes) =>
        schemes.Any(s => url.Length > s.Length && url.StartsWith(s, StringComparison.OrdinalIgnoreCase));
}
