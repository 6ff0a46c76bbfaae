namespace VoiceCluster.Media.Sdp;

/// <summary>
/// Bounds of what is parsed. Browsers stay far below; a description beyond them is refused with an error.
/// Unbounded counts and lengths in SDP have been the way into other servers (CVE-2020-13898 to 14034).
/// </summary>
public static class SdpLimits
{
    /// <summary>Characters of a whole description.</summary>
    public const int MaxLength = 256 * 1024;

    /// <summary>Characters of one line.</summary>
    public const int MaxLineLength = 4 * 1024;

    /// <summary>Media sections of a description.</summary>
    public const int MaxMediaSections = 128;

    /// <summary>Attributes of one section, or of the session.</summary>
    public const int MaxAttributes = 1_024;

    /// <summary>Formats (payload types) of one media section.</summary>
    public const int MaxFormats = 128;
}
