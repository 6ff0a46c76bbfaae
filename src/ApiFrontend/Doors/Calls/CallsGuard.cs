using VoiceCluster.ApiFrontend.Http;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>What went wrong, in this door's shape.</summary>
internal sealed class CallsGuard(ILogger<CallsGuard> logger) : DoorGuard(logger)
{
    /// <inheritdoc/>
    protected override IResult TooLarge => CallJson.Error(new CallError(413, "REQUEST_TOO_LARGE", "The body is too large."));

    /// <inheritdoc/>
    protected override IResult Malformed => CallJson.Error(CallError.Invalid("The request is malformed."));

    /// <inheritdoc/>
    protected override IResult Unavailable => CallJson.Error(CallError.Unavailable);
}
