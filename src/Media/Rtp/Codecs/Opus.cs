namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>What can be told of an Opus payload without decoding (RFC 6716 §3.1).</summary>
public static class Opus
{
    /// <summary>Clock of all Opus streams (RFC 7587 §4.1), Hz.</summary>
    public const int ClockRate = 48_000;

    /// <summary>True for a DTX packet: a TOC byte with at most one more (RFC 6716 §2.1.9: nothing worth sending is 2 bytes or less).</summary>
    public static bool IsDtx(ReadOnlySpan<byte> payload) => payload.Length is 1 or 2;
}
