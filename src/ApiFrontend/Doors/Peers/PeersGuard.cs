using VoiceCluster.ApiFrontend.Http;

namespace VoiceCluster.ApiFrontend.Doors.Peers;

/// <summary>What went wrong, in this door's shape.</summary>
internal sealed class PeersGuard(ILogger<PeersGuard> logger) : DoorGuard(logger)
{
    /// <inheritdoc/>
    protected override IResult TooLarge => PeerJson.Error(new PeerError(413, "the body is too large"));

    /// <inheritdoc/>
    protected override IResult Malformed => PeerJson.Error(PeerError.Invalid("the request is malformed"));

    /// <inheritdoc/>
    protected override IResult Unavailable => PeerJson.Error(PeerError.Unavailable);
}
