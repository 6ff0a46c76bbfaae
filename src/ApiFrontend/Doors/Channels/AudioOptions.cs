using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>What clients are told of the relay, section <c>Relay</c>. The media node reads the port and the packet size from the same place.</summary>
public sealed class AudioOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Relay";

    /// <summary>Packets that may come late and are still told from repetitions: the width of the relay's replay window.</summary>
    private const int Window = 1_024;

    /// <summary>The relay's UDP port, told where no media node is known. Default 3002.</summary>
    public int UdpPort { get; set; } = 3002;

    /// <summary>Hz; Opus's clock, 48,000, and nothing else.</summary>
    public int SampleRate { get; set; } = 48_000;

    /// <summary>Channels that clients are advised to encode, 1 or 2. Default 2.</summary>
    public int Channels { get; set; } = 2;

    /// <summary>Packets of the window in which late ones are still told from repetitions: 1,024, and nothing else.</summary>
    public int BufferSize { get; set; } = Window;

    /// <summary>Bytes of the longest packet. Default 1,500.</summary>
    public int MaxPacketSize { get; set; } = 1_500;

    /// <summary>Lists every fault, each with option, value and bound.</summary>
    public IEnumerable<string> Validate()
    {
        if (SampleRate != 48_000)
        {
            yield return $"Relay:SampleRate is {SampleRate}; Opus is sent at 48000 Hz.";
        }

        if (Channels is not (1 or 2))
        {
            yield return $"Relay:Channels is {Channels}; it must be 1 or 2.";
        }

        if (BufferSize != Window)
        {
            yield return $"Relay:BufferSize is {BufferSize}; the relay's window has {Window} packets, which cannot be changed.";
        }
    }
}

/// <summary>Names every wrong value at once.</summary>
internal sealed class AudioOptionsValidator : IValidateOptions<AudioOptions>
{
    public ValidateOptionsResult Validate(string? name, AudioOptions options)
    {
        string[] faults = [.. options.Validate()];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
