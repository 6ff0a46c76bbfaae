using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>One packet of a producer on its way to consumers, in the router's terms.</summary>
internal readonly ref struct SourcePacket
{
    /// <summary>Extended; grows over the whole life of the stream.</summary>
    public required long Sequence { get; init; }

    public required uint Timestamp { get; init; }

    /// <summary>The router's payload type.</summary>
    public required byte PayloadType { get; init; }

    public required bool Marker { get; init; }

    /// <summary>One-byte header extension elements with the router's ids.</summary>
    public required ReadOnlySpan<byte> Extensions { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }

    public required PayloadFormat Format { get; init; }

    public VideoFrame Frame { get; init; }

    /// <summary>Where in the payload the packet itself begins, behind its redundancy (<see cref="PayloadFormat.Red"/>); 0 where it has none.</summary>
    public int PrimaryAt { get; init; }
}
