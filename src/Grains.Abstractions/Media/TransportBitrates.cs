namespace VoiceCluster.Abstractions.Media;

/// <summary>Which of a transport's bitrates.</summary>
[GenerateSerializer, Alias("vc.TransportBitrate")]
public enum TransportBitrate
{
    /// <summary>What the client is sent at most.</summary>
    MaxOutgoing = 0,

    /// <summary>What the client is taken to receive at least.</summary>
    MinOutgoing = 1,

    /// <summary>What the client is told to send at most.</summary>
    MaxIncoming = 2,
}

/// <summary>Bits a second that an application has set on a transport; null where it has set none.</summary>
/// <param name="MaxOutgoing">Of sound and video together that the client is sent. It is spread over its consumers by priority; sound is not held back.</param>
/// <param name="MinOutgoing">What the client's network is taken to carry, whatever is estimated.</param>
/// <param name="MaxIncoming">What the client is told to send.</param>
[GenerateSerializer, Immutable, Alias("vc.TransportBitrates")]
public sealed record TransportBitrates(
    [property: Id(0)] long? MaxOutgoing = null, [property: Id(1)] long? MinOutgoing = null, [property: Id(2)] long? MaxIncoming = null)
{
    /// <summary>The least limit that can be set, bits a second; mediasoup's.</summary>
    public const long Least = 30_000;

    /// <summary>The highest, bits a second.</summary>
    public const long Most = 1_000_000_000;

    /// <summary>These with one changed; 0 lifts it, null is the answer where the value is out of range or contradicts another.</summary>
    public TransportBitrates? With(TransportBitrate which, long bitrate, out string? error)
    {
        error = bitrate != 0 && bitrate is < Least or > Most ? $"A bitrate is {Least} to {Most} bits a second, or 0 for no limit." : null;
        long? value = bitrate == 0 ? null : bitrate;
        var next = which switch
        {
            TransportBitrate.MaxOutgoing => this with { MaxOutgoing = value },
            TransportBitrate.MinOutgoing => this with { MinOutgoing = value },
            TransportBitrate.MaxIncoming => this with { MaxIncoming = value },
            _ => null,
        };
        error ??= next is null ? "There is no such bitrate."
            : next.MinOutgoing > next.MaxOutgoing ? $"The least outgoing bitrate would be {next.MinOutgoing} and the highest {next.MaxOutgoing}."
            : null;
        return error is null ? next : null;
    }
}
