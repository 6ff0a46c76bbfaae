using Microsoft.Extensions.Options;
using VoiceCluster.Media.Relay;

namespace VoiceCluster.MediaNode;

/// <summary>Section Relay: the UDP port of native clients; see docs/protocols/channels.md.</summary>
public sealed class RelayOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Relay";

    /// <summary>Whether the node has a relay port at all. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// UDP port, at Media:Ip; all workers share it. One in use is passed over for the next, up to 100 further: clients are told
    /// which it is. 0 takes any. Default 3002.
    /// </summary>
    public int UdpPort { get; set; } = 3002;

    /// <summary>Bytes of the longest packet taken. Default 1,500.</summary>
    public int MaxPacketSize { get; set; } = 1_500;

    /// <summary>How far a packet may be behind the newest of its sender. Default 500 ms.</summary>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long an address stays proved without a packet. Default 30 s.</summary>
    public TimeSpan Silence { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Bits a second that senders are advised at least. Default 12,000.</summary>
    public int MinBitrate { get; set; } = 12_000;

    /// <summary>Bits a second that senders are advised at most. Default 64,000.</summary>
    public int MaxBitrate { get; set; } = 64_000;

    /// <summary>The same for workers.</summary>
    internal RelaySettings ToSettings() => new()
    {
        MaxPacketSize = MaxPacketSize,
        MaxAge = (long)MaxAge.TotalMicroseconds,
        Silence = (long)Silence.TotalMicroseconds,
        MinBitrate = MinBitrate,
        MaxBitrate = MaxBitrate,
    };
}

/// <summary>Finds all faults of <see cref="RelayOptions"/> at once.</summary>
public sealed class RelayOptionsValidator : IValidateOptions<RelayOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, RelayOptions options)
    {
        List<string> faults = [];
        Range(faults, nameof(options.UdpPort), options.UdpPort, 0, 65_535);
        Range(faults, nameof(options.MaxPacketSize), options.MaxPacketSize, 256, Media.Net.Datagram.MaxSize);
        Range(faults, nameof(options.MinBitrate), options.MinBitrate, 6_000, 510_000);
        Range(faults, nameof(options.MaxBitrate), options.MaxBitrate, options.MinBitrate, 510_000);
        Range(faults, nameof(options.MaxAge), options.MaxAge, TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(10));
        Range(faults, nameof(options.Silence), options.Silence, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(10));
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void Range<T>(List<string> faults, string option, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            faults.Add($"Relay:{option} is {value}; it must be from {least} to {most}.");
        }
    }
}
