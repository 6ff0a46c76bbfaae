using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Abstractions.Media;

/// <summary>What changed in a room on a media node; at most ten reports a second a room.</summary>
/// <param name="Speakers">Who speaks now, loudest first; null when unchanged.</param>
/// <param name="Transports">Transports whose state changed.</param>
[GenerateSerializer, Immutable, Alias("vc.MediaReport")]
public sealed record MediaReport(
    [property: Id(0)] MediaNodeId Node,
    [property: Id(1)] long Epoch,
    [property: Id(2)] Speaker[]? Speakers,
    [property: Id(3)] TransportStateChange[] Transports);

/// <summary>A transport's new state.</summary>
/// <param name="WasSilent">With Closed: ICE consent had ended (RFC 7675), 30 s after the last check.</param>
[GenerateSerializer, Immutable, Alias("vc.TransportStateChange")]
public sealed record TransportStateChange(
    [property: Id(0)] string TransportId,
    [property: Id(1)] MediaTransportState State,
    [property: Id(2)] bool WasSilent = false);

/// <summary>ICE and DTLS taken together.</summary>
[GenerateSerializer]
public enum MediaTransportState
{
    New = 0,
    Connecting = 1,
    Connected = 2,

    /// <summary>ICE consent ended; an ICE restart can bring it back.</summary>
    Disconnected = 3,

    /// <summary>DTLS failed or ICE was silent for 30 s: the node closed it.</summary>
    Closed = 4,
}
