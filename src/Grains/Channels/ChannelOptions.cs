using Microsoft.Extensions.Options;

namespace VoiceCluster.Grains.Channels;

/// <summary>Limits of channels, section <c>Channels</c> of the configuration.</summary>
public sealed class ChannelOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Channels";

    /// <summary>Users of a channel that sets no limit of its own, and the highest that it may set; 1 to 100,000. Default 100.</summary>
    public int MaxUsersPerChannel { get; set; } = 100;

    /// <summary>Channels of the cluster; 1 to 100,000. Default 10,000.</summary>
    public int MaxChannels { get; set; } = 10_000;

    /// <summary>Users who are banned from one channel; 1 to 1,000,000. Default 10,000.</summary>
    public int MaxBansPerChannel { get; set; } = 10_000;

    /// <summary>Members of one channel, who may be elsewhere; 1 to 1,000,000. Default 10,000.</summary>
    public int MaxMembersPerChannel { get; set; } = 10_000;

    /// <summary>Lists every fault, each with option, value and bound.</summary>
    public IEnumerable<string> Validate()
    {
        if (MaxUsersPerChannel is < 1 or > 100_000)
        {
            yield return $"Channels:MaxUsersPerChannel is {MaxUsersPerChannel}; it must be 1 to 100,000.";
        }

        if (MaxChannels is < 1 or > 100_000)
        {
            yield return $"Channels:MaxChannels is {MaxChannels}; it must be 1 to 100,000.";
        }

        if (MaxMembersPerChannel is < 1 or > 1_000_000)
        {
            yield return $"Channels:MaxMembersPerChannel is {MaxMembersPerChannel}; it must be 1 to 1,000,000.";
        }

        if (MaxBansPerChannel is < 1 or > 1_000_000)
        {
            yield return $"Channels:MaxBansPerChannel is {MaxBansPerChannel}; it must be 1 to 1,000,000.";
        }
    }
}

/// <summary>Reports every fault of <see cref="ChannelOptions"/> at once.</summary>
public sealed class ChannelOptionsValidator : IValidateOptions<ChannelOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, ChannelOptions options)
    {
        string[] faults = [.. options.Validate()];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
