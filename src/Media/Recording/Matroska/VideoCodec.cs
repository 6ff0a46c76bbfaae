using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording.Matroska;

/// <summary>What a file says of its picture.</summary>
/// <param name="CodecId">Matroska's name (RFC 9559's codec registry).</param>
/// <param name="Configuration">CodecPrivate; empty where the codec has none.</param>
internal sealed record VideoCodec(string CodecId, int Width, int Height, byte[] Configuration)
{
    /// <summary>WebM has VP8 and VP9; all else is Matroska.</summary>
    public bool IsWebM => CodecId is "V_VP8" or "V_VP9";

    /// <summary>The name of the format's codec.</summary>
    public static string IdOf(PayloadFormat format) => format switch
    {
        PayloadFormat.Vp8 => "V_VP8",
        PayloadFormat.Vp9 => "V_VP9",
        _ => "V_MPEG4/ISO/AVC",
    };
}
