namespace VoiceCluster.Media.Routing;

/// <summary>Limits and clocks of a router. The defaults suit a room of a few hundred.</summary>
public sealed record RouterOptions
{
    /// <summary>Microseconds to add to the monotonic `now` to get Unix time; for NTP time stamps. Default 0.</summary>
    public long UnixTimeOffset { get; init; }

    /// <summary>Bits a second that a sender is told at most by REMB. Default 2.5 Mbit/s.</summary>
    public long MaxIncomingBitrate { get; init; } = 2_500_000;

    /// <summary>Bits a second below which REMB never goes. Default 100 kbit/s.</summary>
    public long MinIncomingBitrate { get; init; } = 100_000;

    /// <summary>Producers a transport may have. Default 64.</summary>
    public int MaxProducersPerTransport { get; init; } = 64;

    /// <summary>Consumers a transport may have. Default 1,024.</summary>
    public int MaxConsumersPerTransport { get; init; } = 1024;

    /// <summary>Whether each receiver gets the layers of video that its network carries. Default false: those that it prefers.</summary>
    public bool AdaptsVideo { get; init; }

    /// <summary>Whether packets of silence (Opus with DTX) are passed on each, and not only the first and one each 400 ms. Default false.</summary>
    public bool ForwardsSilence { get; init; }

    /// <summary>Whether clients are told that they may send Opus with redundancy (RFC 2198). Default false, as mediasoup.</summary>
    public bool OffersRed { get; init; }

    /// <summary>How sound is mixed for clients that ask for one stream of all others.</summary>
    public Mixing.MixerOptions Mixer { get; init; } = new();

    /// <summary>Seed of SSRCs and first sequence numbers; 0 takes a random one. Tests fix it.</summary>
    public int Seed { get; init; }
}
