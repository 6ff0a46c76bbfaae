namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>What can be told of an Opus payload without decoding (RFC 6716 §3.1).</summary>
public static class Opus
{
    /// <summary>Clock of all Opus streams (RFC 7587 §4.1), Hz.</summary>
    public const int ClockRate = 48_000;

    /// <summary>RTP time of the frames that clients send and that <see cref="Silence"/> lasts: 20 ms.</summary>
    public const int FrameDuration = ClockRate / 50;

    /// <summary>
    /// A frame of digital silence: CELT, fullband, 20 ms, mono, one frame (RFC 6716 §3.1: configuration 31), and the bytes
    /// that its range decoder reads as the silence flag (§4.3).
    /// </summary>
    public static ReadOnlySpan<byte> Silence => [0xF8, 0xFF, 0xFE];

    /// <summary>True for a DTX packet: a TOC byte with at most one more (RFC 6716 §2.1.9: nothing worth sending is 2 bytes or less).</summary>
    public static bool IsDtx(ReadOnlySpan<byte> payload) => payload.Length is 1 or 2;
}
