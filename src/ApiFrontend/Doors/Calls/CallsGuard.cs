namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>Answers what went wrong in this door's shape, and never with the text of an exception.</summary>
internal sealed partial class CallsGuard(ILogger<CallsGuard> logger) : IEndpointFilter
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
            return CallJson.Error(e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? new CallError(e.StatusCode, "REQUEST_TOO_LARGE", "The body is too large.")
                : CallError.Invalid("The request is malformed."));
        }
        catch (Exception e) when (!http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            LogFailed(logger, e, http.Request.Method, http.Request.Path);
            return CallJson.Error(CallError.Unavailable);
        }
    }

    [LoggerMessage(3403, LogLevel.Warning, "{Method} {Path}: the cluster could not do it")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, PathString path);
}
