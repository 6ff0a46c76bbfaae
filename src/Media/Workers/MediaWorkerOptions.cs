using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Workers;

/// <summary>What a worker is told at its making.</summary>
public sealed record MediaWorkerOptions
{
    /// <summary>Addresses that clients are told, best first; each becomes a host candidate.</summary>
    public required IReadOnlyList<TransportAddress> Announced { get; init; }

    /// <summary>The port's address as other media nodes reach it; null when it is the first that clients are told.</summary>
    public TransportAddress? PipeAddress { get; init; }

    /// <summary>Transports that the worker takes. Default 10,000.</summary>
    public int MaxTransports { get; init; } = 10_000;

    /// <summary>Pads packets for one WebRTC client that leave together to one length, by 48 bytes at most. Default false.</summary>
    public bool PadsPackets { get; init; }

    /// <summary>How it serves its relay port.</summary>
    public Relay.RelaySettings Relay { get; init; } = new();

    /// <summary>Options of the routers it makes.</summary>
    public Routing.RouterOptions Router { get; init; } = new();
}
