using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Limits;

/// <summary>Requests that a client may make, section <c>RateLimit</c>. Each limit is a bucket of tokens; a request takes one.</summary>
public sealed class RateLimitOptions
{
    /// <summary>Whether there are limits at all. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Requests of one address in a rush. Many users may share it. Default 2,000.</summary>
    public int AddressBurst { get; set; } = 2_000;

    /// <summary>Requests of one address a second, for long. Default 500.</summary>
    public double AddressPerSecond { get; set; } = 500;

    /// <summary>Requests of one user in a rush. Default 300.</summary>
    public int UserBurst { get; set; } = 300;

    /// <summary>Requests of one user a second, for long. Default 100.</summary>
    public double UserPerSecond { get; set; } = 100;

    /// <summary>Addresses, and users, that are remembered; about 200 bytes each. Default 100,000.</summary>
    public int MaxTracked { get; set; } = 100_000;
}

/// <summary>Names every wrong value at once.</summary>
internal sealed class RateLimitOptionsValidator : IValidateOptions<RateLimitOptions>
{
    private const int Most = 10_000_000;

    public ValidateOptionsResult Validate(string? name, RateLimitOptions options)
    {
        List<string> faults = [];
        Within(faults, nameof(options.AddressBurst), options.AddressBurst, 1);
        Within(faults, nameof(options.AddressPerSecond), options.AddressPerSecond, 0.01);
        Within(faults, nameof(options.UserBurst), options.UserBurst, 1);
        Within(faults, nameof(options.UserPerSecond), options.UserPerSecond, 0.01);
        Within(faults, nameof(options.MaxTracked), options.MaxTracked, 100);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void Within(List<string> faults, string option, double value, double least)
    {
        if (!(value >= least && value <= Most))
        {
            faults.Add(FormattableString.Invariant($"RateLimit:{option} is {value}; it must be between {least} and {Most}."));
        }
    }
}
