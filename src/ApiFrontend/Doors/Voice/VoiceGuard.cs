namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>Answers what went wrong in this door's shape, and never with the text of an exception.</summary>
internal sealed partial class VoiceGuard(ILogger<VoiceGuard> logger) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        try
        {
            return await next(context).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            return VoiceJson.Error(e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? new VoiceError(e.StatusCode, "REQUEST_TOO_LARGE", "The body is too large.")
                : VoiceError.Invalid("The request is malformed."));
        }
        catch (Exception e) when (!http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            LogFailed(logger, e, http.Request.Method, http.Request.Path);
            return VoiceJson.Error(VoiceError.Unavailable);
        }
    }

    [LoggerMessage(3500, LogLevel.Warning, "{Method} {Path}: the cluster could not do it")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, PathString path);
}
