using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Abstractions.Media;

/// <summary>One end of a pipe between two media nodes, as the other end must know it.</summary>
/// <param name="Ip">Where its node is reached by other nodes.</param>
/// <param name="CryptoSuite">mediasoup's srtpParameters.cryptoSuite, the same at both ends.</param>
/// <param name="KeyBase64">mediasoup's srtpParameters.keyBase64: the key with which this end sends.</param>
/// <param name="RtcpSsrc">The SSRC of this end's feedback: pipes of several rooms share one pair of ports.</param>
[GenerateSerializer, Immutable, Alias("vc.PipeEnd")]
public sealed record PipeEnd(
    [property: Id(0)] string Ip,
    [property: Id(1)] int Port,
    [property: Id(2)] string CryptoSuite,
    [property: Id(3)] string KeyBase64,
    [property: Id(4)] uint RtcpSsrc)
{
    /// <summary>Without the key, which belongs into no log.</summary>
    public override string ToString() => $"PipeEnd {{ {Ip}:{Port} {CryptoSuite} }}";
}

/// <summary>Opens this node's end of a pipe to the same room on another node; answers <see cref="PipeTransportOpened"/>.</summary>
/// <param name="PipeId">The same at both ends, and another for each making.</param>
[GenerateSerializer, Immutable, Alias("vc.CreatePipeTransport")]
public sealed record CreatePipeTransport([property: Id(0)] string PipeId) : MediaCommand;

/// <summary>Tells this node's end of a pipe about the other.</summary>
[GenerateSerializer, Immutable, Alias("vc.ConnectPipeTransport")]
public sealed record ConnectPipeTransport([property: Id(0)] string PipeId, [property: Id(1)] PipeEnd Remote) : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.ClosePipeTransport")]
public sealed record ClosePipeTransport([property: Id(0)] string PipeId) : MediaCommand;

/// <summary>Sends a producer of this node through a pipe; answers <see cref="PipeConsumerOpened"/>.</summary>
[GenerateSerializer, Immutable, Alias("vc.CreatePipeConsumer")]
public sealed record CreatePipeConsumer([property: Id(0)] string PipeId, [property: Id(1)] string ProducerId) : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.ClosePipeConsumer")]
public sealed record ClosePipeConsumer([property: Id(0)] string PipeId, [property: Id(1)] string ProducerId) : MediaCommand;

/// <summary>Makes of what comes through a pipe a producer of this node, with the id that it has at its own. It closes as others do.</summary>
/// <param name="ParticipantId">Whose it is; null in an old message.</param>
[GenerateSerializer, Immutable, Alias("vc.CreatePipeProducer")]
public sealed record CreatePipeProducer(
    [property: Id(0)] string PipeId,
    [property: Id(1)] string ProducerId,
    [property: Id(2)] MediaKind Kind,
    [property: Id(3)] string RtpParametersJson,
    [property: Id(4)] bool Paused,
    [property: Id(5)] string? ParticipantId = null) : MediaCommand;

[GenerateSerializer, Immutable, Alias("vc.PipeTransportOpened")]
public sealed record PipeTransportOpened([property: Id(0)] PipeEnd Local) : MediaReply;

/// <summary>What the other node needs for its <see cref="CreatePipeProducer"/>.</summary>
[GenerateSerializer, Immutable, Alias("vc.PipeConsumerOpened")]
public sealed record PipeConsumerOpened([property: Id(0)] string RtpParametersJson, [property: Id(1)] MediaKind Kind) : MediaReply;

/// <summary>A pipe as the room wants it at one node.</summary>
/// <param name="Out">The node's own producers that go through it.</param>
/// <param name="In">Producers of the other node that come through it.</param>
[GenerateSerializer, Immutable, Alias("vc.DesiredPipe")]
public sealed record DesiredPipe([property: Id(0)] string PipeId, [property: Id(1)] string[] Out, [property: Id(2)] DesiredPipedProducer[] In);

[GenerateSerializer, Immutable, Alias("vc.DesiredPipedProducer")]
public sealed record DesiredPipedProducer([property: Id(0)] string ProducerId, [property: Id(1)] bool Paused);

/// <summary>A pipe that a node has.</summary>
/// <param name="IsConnected">Whether it was told of the other end.</param>
/// <param name="Out">See <see cref="DesiredPipe.Out"/>.</param>
/// <param name="In">See <see cref="DesiredPipe.In"/>.</param>
[GenerateSerializer, Immutable, Alias("vc.AdoptedPipe")]
public sealed record AdoptedPipe(
    [property: Id(0)] string PipeId,
    [property: Id(1)] bool IsConnected,
    [property: Id(2)] string[] Out,
    [property: Id(3)] string[] In);
