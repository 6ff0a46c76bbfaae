using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.VoiceSessions;

namespace VoiceCluster.Grains.Peers;

/// <summary>A peer as it is stored while it is in a room.</summary>
[GenerateSerializer, Alias("vc.PeerState")]
public sealed class PeerState
{
    /// <summary>The peer, or null while it is in no room.</summary>
    [Id(0)]
    public PeerInfo? Peer { get; set; }

    /// <summary>What was negotiated by the client's offers.</summary>
    [Id(1)]
    public VoiceMedia Media { get; set; } = new();

    /// <summary>The client's last offer.</summary>
    [Id(2)]
    public string ClientSdp { get; set; } = "";

    /// <summary>The server's own sections.</summary>
    [Id(3)]
    public PeerTracks Tracks { get; set; } = new();
}

/// <summary>One section that the server has offered, or will.</summary>
/// <param name="ProducerId">What it carries; null when it is free.</param>
/// <param name="ConsumerId">The stream, once the section's format is known.</param>
/// <param name="IsAgreed">Whether the client has been told how the section is now.</param>
/// <param name="IsTaken">Whether the client takes what it carries.</param>
/// <param name="IsKnown">Whether the client has ever answered an offer with this section: then it never goes.</param>
[GenerateSerializer, Immutable, Alias("vc.PeerSection")]
public sealed record PeerSection(
    [property: Id(0)] string Mid,
    [property: Id(1)] MediaKind Kind,
    [property: Id(2)] string? ProducerId,
    [property: Id(3)] string? ParticipantId,
    [property: Id(4)] string? ConsumerId,
    [property: Id(5)] string? SentJson,
    [property: Id(6)] bool IsAgreed,
    [property: Id(7)] bool IsTaken,
    [property: Id(8)] bool IsKnown = false);
