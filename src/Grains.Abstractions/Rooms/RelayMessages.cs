namespace VoiceCluster.Abstractions.Rooms;

/// <summary>A request of a native client's way into the room of a channel.</summary>
/// <param name="Session">16 bytes: what the client shows to prove its address.</param>
/// <param name="Key">16 bytes: its AES-GCM key.</param>
[GenerateSerializer, Immutable, Alias("vc.RelayTransportRequest")]
public sealed record RelayTransportRequest([property: Id(0)] byte[] Session, [property: Id(1)] byte[] Key);

/// <summary>Where a media node's relay port is.</summary>
[GenerateSerializer, Immutable, Alias("vc.RelayEndPoint")]
public sealed record RelayEndPoint([property: Id(0)] string Address, [property: Id(1)] int Port);

/// <summary>What a relay transport sends and receives, in mediasoup's JSON. Doors pass it on unread.</summary>
/// <param name="ProducerRtpParametersJson">For <see cref="ProduceRequest"/>.</param>
/// <param name="RtpCapabilitiesJson">For <see cref="ConsumeRequest"/>.</param>
/// <param name="MixRtpParametersJson">For <see cref="ConsumeMixRequest"/>.</param>
[GenerateSerializer, Immutable, Alias("vc.RelayMedia")]
public sealed record RelayMedia(
    [property: Id(0)] string ProducerRtpParametersJson, [property: Id(1)] string RtpCapabilitiesJson, [property: Id(2)] string MixRtpParametersJson);

/// <summary>A relay client's transport.</summary>
[GenerateSerializer, Immutable, Alias("vc.RelayTransportCreated")]
public sealed record RelayTransportCreated(
    [property: Id(0)] string TransportId, [property: Id(1)] RelayEndPoint EndPoint, [property: Id(2)] RelayMedia Media);

/// <summary>How a room's sound flows at its media nodes: sums since the room was opened there, and what is now.</summary>
/// <param name="PacketsReceived">From clients.</param>
/// <param name="PacketsRouted">To clients.</param>
/// <param name="PacketsDropped">Not forwarded, whatever the reason.</param>
/// <param name="PacketsExpired">Of these, those that came too late.</param>
/// <param name="PacketsLost">Of the voices that are there now: what did not arrive here.</param>
/// <param name="PacketsExpected">Of these voices: what should have.</param>
/// <param name="JitterMilliseconds">Mean of these voices (RFC 3550 §6.4.1).</param>
/// <param name="RoundTripP50Milliseconds">Between their nodes and the clients that have measured it; half of them have less.</param>
/// <param name="RoundTripP99Milliseconds">99 of 100 have less.</param>
/// <param name="Clients">Their transports now.</param>
[GenerateSerializer, Immutable, Alias("vc.AudioStatistics")]
public sealed record AudioStatistics(
    [property: Id(0)] long PacketsReceived,
    [property: Id(1)] long BytesReceived,
    [property: Id(2)] long PacketsRouted,
    [property: Id(3)] long BytesRouted,
    [property: Id(4)] long PacketsDropped,
    [property: Id(5)] long PacketsExpired,
    [property: Id(6)] long PacketsLost,
    [property: Id(7)] long PacketsExpected,
    [property: Id(8)] double JitterMilliseconds,
    [property: Id(9)] double RoundTripP50Milliseconds,
    [property: Id(10)] double RoundTripP99Milliseconds,
    [property: Id(11)] int Clients)
{
    /// <summary>A room without media.</summary>
    public static AudioStatistics None { get; } = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
