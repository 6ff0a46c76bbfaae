namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>How a payload is looked into.</summary>
public enum PayloadFormat
{
    /// <summary>Not at all: every packet is a place to join.</summary>
    Opaque = 0,
    Opus,
    Vp8,
    Vp9,
    H264,

    /// <summary>Redundant audio whose blocks are Opus.</summary>
    Red,
}

/// <summary>What the router wants to know of a payload, of whichever codec.</summary>
/// <param name="IsKeyFrame">A receiver may join at this packet.</param>
/// <param name="TemporalLayer">-1 when unknown.</param>
/// <param name="CanSwitchUp">A receiver of lower temporal layers may take this one from here.</param>
public readonly record struct VideoFrame(bool IsKeyFrame, int TemporalLayer, bool CanSwitchUp)
{
    /// <summary>Spatial layers of one stream that are told apart (RFC 9628 §4.2: SID has three bits).</summary>
    public const int MaxSpatialLayers = 8;

    /// <summary>The spatial layer in its stream; 0 where a stream has one.</summary>
    public int SpatialLayer { get; init; }

    /// <summary>The layer frame needs nothing but lower layers of its own picture: a receiver of those may take this layer from here.</summary>
    public bool IsIndependent { get; init; }

    /// <summary>The packet ends a layer frame.</summary>
    public bool IsLayerEnd { get; init; }

    /// <summary>Reads the payload; malformed ones count as an ordinary packet, which harms only its own stream.</summary>
    public static VideoFrame Read(PayloadFormat format, ReadOnlySpan<byte> payload)
    {
        switch (format)
        {
            case PayloadFormat.Vp8:
                return Vp8Descriptor.TryParse(payload, out var vp8) ? new VideoFrame(vp8.IsKeyFrame, vp8.TemporalLayer, vp8.IsLayerSync || vp8.IsKeyFrame) : new VideoFrame(false, -1, false);
            case PayloadFormat.Vp9:
                return Vp9Descriptor.TryParse(payload, out var vp9) ? Of(vp9) : new VideoFrame(false, -1, false);
            case PayloadFormat.H264:
                return H264Payload.TryParse(payload, out var h264) ? new VideoFrame(h264.IsKeyFrame, -1, false) : new VideoFrame(false, -1, false);
            default:
                return new VideoFrame(true, -1, false);
        }
    }

    // Temporal layers change where a picture begins, not between its spatial layers.
    private static VideoFrame Of(in Vp9Descriptor vp9) => new(vp9.IsKeyFrame, vp9.TemporalLayer, (vp9.IsSwitchingUp && vp9.IsFrameStart && vp9.SpatialLayer <= 0) || vp9.IsKeyFrame)
    {
        SpatialLayer = Math.Max(0, vp9.SpatialLayer),
        IsIndependent = !vp9.IsInterPredicted,
        IsLayerEnd = vp9.IsFrameEnd,
    };

    /// <summary>The format of a MIME type.</summary>
    public static PayloadFormat FormatOf(string mimeType) => mimeType.ToLowerInvariant() switch
    {
        "audio/opus" => PayloadFormat.Opus,
        "audio/red" => PayloadFormat.Red,
        "video/vp8" => PayloadFormat.Vp8,
        "video/vp9" => PayloadFormat.Vp9,
        "video/h264" => PayloadFormat.H264,
        _ => PayloadFormat.Opaque,
    };
}
