namespace VoiceCluster.Grains.CallSessions;

/// <summary>
/// What a quality of 0 to 100 means for the pictures that a participant receives: 0 is none, each third of the rest one spatial
/// layer, and each third of such a third one temporal layer. Below 100 all pictures together have a bitrate that they stay below.
/// Voices are not touched.
/// </summary>
/// <param name="HasVideo">Whether pictures are received at all.</param>
/// <param name="SpatialLayer">The highest one, 0 to 2. A stream without layers is received as it is.</param>
/// <param name="TemporalLayer">The highest one, 0 to 2.</param>
/// <param name="MaxVideoBitrate">Bits a second of all pictures; null without a limit, and where there are none.</param>
public readonly record struct ReceiveQuality(bool HasVideo, int SpatialLayer, int TemporalLayer, long? MaxVideoBitrate)
{
    /// <summary>Layers of each kind that senders make at most (three simulcast encodings, L1T3).</summary>
    public const int Layers = 3;

    /// <summary>Bits a second a point: 25, "low", is 1.25 Mbit/s, room for eight pictures of the lowest layer; 60, "medium", 3 Mbit/s.</summary>
    public const long BitsPerPoint = 50_000;

    /// <summary>Bits a second that even the lowest has: one picture of browsers' lowest simulcast layer (about 150 kbit/s).</summary>
    public const long MinVideoBitrate = 250_000;

    /// <summary>All that there is.</summary>
    public static ReceiveQuality Full { get; } = Of(CallSession.MaxQuality);

    /// <summary>The layers and the bitrate of a quality.</summary>
    public static ReceiveQuality Of(int quality)
    {
        // Ninths of 1 to 100, counted from 0: 1 to 11 is the lowest, 90 to 100 the highest.
        var ninth = Math.Clamp((quality - 1) * Layers * Layers / CallSession.MaxQuality, 0, (Layers * Layers) - 1);
        return new ReceiveQuality(
            quality > 0,
            ninth / Layers,
            ninth % Layers,
            quality is > 0 and < CallSession.MaxQuality ? Math.Max(MinVideoBitrate, quality * BitsPerPoint) : null);
    }

    /// <summary>The layers that are left of a wish: never above this quality. Above its spatial layer's own third all temporal layers are left.</summary>
    public (int Spatial, int Temporal) Limit(int spatial, int? temporal) => spatial < SpatialLayer
        ? (spatial, temporal ?? Layers - 1)
        : (SpatialLayer, Math.Min(spatial > SpatialLayer ? TemporalLayer : temporal ?? TemporalLayer, TemporalLayer));
}
