namespace VoiceCluster.Media.Recording.Sound;

/// <summary>Opus packets that a recorder makes up where nothing came.</summary>
internal static class SilentOpus
{
    /// <summary>Samples of <see cref="Longest"/>: 20 ms.</summary>
    public const int LongestSamples = 960;

    /// <summary>The shortest silence, 2.5 ms (RFC 6716 §2); what is missing less than that stays missing.</summary>
    public const int Grain = 120;

    /// <summary>The longest hole that is left to the player's concealment: 120 ms, after which libopus has faded out.</summary>
    public const int MaxConcealed = 5_760;

    // RFC 6716 §3.1: CELT, fullband, mono, one frame; configurations 28 to 31 are 2.5, 5, 10 and 20 ms. §4.3: the silence flag.
    private static readonly byte[][] Packets = [[0xE0, 0xFF, 0xFE], [0xE8, 0xFF, 0xFE], [0xF0, 0xFF, 0xFE], [0xF8, 0xFF, 0xFE]];

    /// <summary>20 ms of silence.</summary>
    public static ReadOnlySpan<byte> Longest => Packets[3];

    /// <summary>The longest packet of silence that fits, and its samples; false when less than 2.5 ms are missing.</summary>
    public static bool TryTake(long missing, out ReadOnlySpan<byte> packet, out int samples)
    {
        for (var i = Packets.Length - 1; i >= 0; i--)
        {
            samples = Grain << i;
            if (missing >= samples)
            {
                packet = Packets[i];
                return true;
            }
        }

        packet = [];
        samples = 0;
        return false;
    }
}
