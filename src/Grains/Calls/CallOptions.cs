using Microsoft.Extensions.Options;

namespace VoiceCluster.Grains.Calls;

/// <summary>Times and limits of calls, section <c>Calls</c> of the configuration.</summary>
public sealed class CallOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Calls";

    /// <summary>How long a call rings; 1 s to 10 min. Default 30 s.</summary>
    public TimeSpan RingTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>An answered call ends when no party has been connected for so long; 1 s to 1 h. Default 30 s.</summary>
    public TimeSpan GoneTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Parties of a call, the caller included; 2 to 1,000. Default 32.</summary>
    public int MaxParties { get; set; } = 32;

    /// <summary>Signals of the caller that wait for the answer; 0 to 10,000. Default 512.</summary>
    public int MaxHeldSignals { get; set; } = 512;

    /// <summary>Characters of the signals that wait for the answer; 0 to 16 Mi. Default 1 Mi.</summary>
    public int MaxHeldCharacters { get; set; } = 1 << 20;

    /// <summary>Members of a chat; 2 to 10,000. Default 1,000.</summary>
    public int MaxChatMembers { get; set; } = 1_000;

    /// <summary>Connections of one user; 1 to 1,000. Default 32. Past it the oldest is forgotten.</summary>
    public int MaxConnectionsPerUser { get; set; } = 32;

    /// <summary>Lists every fault, each with option, value and bound.</summary>
    public IEnumerable<string> Validate()
    {
        if (RingTimeout < TimeSpan.FromSeconds(1) || RingTimeout > TimeSpan.FromMinutes(10))
        {
            yield return $"Calls:RingTimeout is {RingTimeout}; it must be 1 s to 10 min.";
        }

        if (GoneTimeout < TimeSpan.FromSeconds(1) || GoneTimeout > TimeSpan.FromHours(1))
        {
            yield return $"Calls:GoneTimeout is {GoneTimeout}; it must be 1 s to 1 h.";
        }

        foreach (var (name, value, least, most) in new[]
        {
            (nameof(MaxParties), MaxParties, 2, 1_000),
            (nameof(MaxHeldSignals), MaxHeldSignals, 0, 10_000),
            (nameof(MaxHeldCharacters), MaxHeldCharacters, 0, 16 << 20),
            (nameof(MaxChatMembers), MaxChatMembers, 2, 10_000),
            (nameof(MaxConnectionsPerUser), MaxConnectionsPerUser, 1, 1_000),
        })
        {
            if (value < least || value > most)
            {
                yield return $"Calls:{name} is {value}; it must be {least} to {most}.";
            }
        }
    }
}

/// <summary>Reports every fault of <see cref="CallOptions"/> at once.</summary>
public sealed class CallOptionsValidator : IValidateOptions<CallOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, CallOptions options)
    {
        string[] faults = [.. options.Validate()];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
