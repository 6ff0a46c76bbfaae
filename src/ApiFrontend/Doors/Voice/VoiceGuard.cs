using VoiceCluster.ApiFrontend.Http;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>What went wrong, in this door's shape.</summary>
internal sealed class VoiceGuard(ILogger<VoiceGuard> logger) : DoorGuard(logger)
{
    /// <inheritdoc/>
    protected override IResult TooLarge => VoiceJson.Error(new VoiceError(413, "REQUEST_TOO_LARGE", "The body is too large."));

    /// <inheritdoc/>
    protected override IResult Malformed => VoiceJson.Error(VoiceError.Invalid("The request is malformed."));

    /// <inheritdoc/>
    protected override IResult Unavailable => VoiceJson.Error(VoiceError.Unavailable);
}
