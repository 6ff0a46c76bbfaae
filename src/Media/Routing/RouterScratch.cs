using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing;

/// <summary>Room in which packets of one router are put together. Its transports share it, as they run on one thread, one packet after the other.</summary>
internal sealed class RouterScratch
{
    /// <summary>One packet's header extension: at most 14 elements of 17 bytes pass.</summary>
    public byte[] Extension { get; } = new byte[256];

    /// <summary>Numbers in one NACK; the rest waits for the next look.</summary>
    public ushort[] Nacks { get; } = new ushort[256];

    /// <summary>A report has 31 blocks at most (RFC 3550 §6.4.2).</summary>
    public ReportBlock[] Blocks { get; } = new ReportBlock[31];

    /// <summary>The streams of one REMB.</summary>
    public Ssrc[] RembSsrcs { get; } = new Ssrc[32];
}
