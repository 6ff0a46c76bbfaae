namespace VoiceCluster.ApiFrontend.Http;

/// <summary>Answers what went wrong in a door's own shape, and never with the text of an exception.</summary>
internal abstract partial class DoorGuard(ILogger logger) : IEndpointFilter
{
    /// <summary>413: the body is too large.</summary>
    protected abstract IResult TooLarge { get; }

    /// <summary>400: the request is malformed.</summary>
    protected abstract IResult Malformed { get; }

    /// <summary>503: the cluster cannot do it now.</summary>
    protected abstract IResult Unavailable { get; }

    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        try
        {
            return await next(context).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            return e.StatusCode == StatusCodes.Status413PayloadTooLarge ? TooLarge : Malformed;
        }
        catch (Exception e) when (!http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            LogFailed(logger, e, http.Request.Method, http.Request.Path);
            return Unavailable;
        }
    }

    [LoggerMessage(3403, LogLevel.Warning, "{Method} {Path}: the cluster could not do it")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, PathString path);
}
