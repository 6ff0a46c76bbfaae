namespace VoiceCluster.Media.Mixing;

/// <summary>How a mixer mixes and encodes.</summary>
public sealed record MixerOptions
{
    /// <summary>Speakers in the mix at most, the loudest; each costs a decoder and, while it listens too, an encoder. Default 16.</summary>
    public int MaxVoices { get; init; } = 16;

    /// <summary>Bits a second of each encoded mix. Default 64,000: several voices at once need more than one.</summary>
    public int Bitrate { get; init; } = 64_000;

    /// <summary>libopus's effort, 0 to 10. Default 5: half the time of 10, hardly told apart at this bitrate.</summary>
    public int Complexity { get; init; } = 5;

    /// <summary>Whether listeners get a frame every 20 ms also in silence. Default false: silence sends nothing.</summary>
    public bool FillsSilence { get; init; }
}
