namespace VoiceCluster.Grains.CallSessions;

/// <summary>
/// What a quality of 0 to 100 means for the pictures that a participant receives: 0 is none, each third of the rest one spatial
/// layer, and each third of such a third one temporal layer. Voices are not touched.
/// </summary>
/// <param name="HasVideo">Whether pictures are received at all.</param>
/// <param name="SpatialLayer">The highest one, 0 to 2. A stream without layers is received as it is.</param>
/// <param name="TemporalLayer">The highest one, 0 to 2.</param>
public readonly record struct ReceiveQuality(bool HasVideo, int SpatialLayer, int TemporalLayer)
{
    /// <summary>Layers of each kind that senders make at most (three simulcast encodings, L1T3).</summary>
    public const int Layers = 3;

    /// <summary>All that there is.</summary>
    public static ReceiveQuality Full { get; } = Of(CallSession.MaxQuality);

    /// <summary>The layers of a quality.</summary>
    public static ReceiveQuality Of(int quality)
    {
        // Ninths of 1 to 100, counted from 0: 1 to 11 is the lowest, 90 to 100 the highest.
        var ninth = Math.Clamp((quality - 1) * Layers * Layers / CallSession.MaxQuality, 0, (Layers * Layers) - 1);
        return new ReceiveQuality(quality > 0, ninth / Layers, ninth % Layers);
    }

    /// <summary>The layers that are left of a wish: never above this quality. Above its spatial layer's own third all temporal layers are left.</summary>
    public (int Spatial, int Temporal) Limit(int spatial, int? temporal) => spatial < SpatialLayer
        ? (spatial, temporal ?? Layers - 1)
        : (SpatialLayer, Math.Min(spatial > SpatialLayer ? TemporalLayer : temporal ?? TemporalLayer, TemporalLayer));
}
