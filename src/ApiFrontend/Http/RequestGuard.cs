using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Http;

/// <summary>The outermost layer: who may call, one log line a request, and no exception's text to anybody.</summary>
internal sealed partial class RequestGuard(RequestDelegate next, IOptions<HttpOptions> options, TimeProvider time, ILogger<RequestGuard> logger)
{
    private readonly IPNetwork[] _allowed = [.. HttpOptions.Split(options.Value.AllowedNetworks).Select(IPNetwork.Parse)];

    public async Task InvokeAsync(HttpContext context)
    {
        long started = time.GetTimestamp();
        HttpRequest request = context.Request;
        var body = new LimitedBody(request.Body, options.Value.MaxBodyBytes, request.ContentLength);
        request.Body = body;
        try
        {
            if (IsAllowed(context.Connection.RemoteIpAddress))
            {
                await next(context).ConfigureAwait(false);
            }
            else
            {
                await RefuseAsync(context, StatusCodes.Status403Forbidden, "FORBIDDEN", "This address may not call here.").ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            LogAborted(logger, context.Request.Method, context.Request.Path);
        }
        catch (BadHttpRequestException e)
        {
            await RefuseAsync(context, e.StatusCode, e.StatusCode == StatusCodes.Status413PayloadTooLarge ? "REQUEST_TOO_LARGE" : "INVALID", "The request is malformed or too large.").ConfigureAwait(false);
        }
        catch (JsonException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "INVALID", "The body is not the JSON that is expected here.").ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogUnavailable(logger, e, context.Request.Method, context.Request.Path);
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "UNAVAILABLE", "The cluster cannot be reached now. Try again.").ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogFailed(logger, e, context.Request.Method, context.Request.Path);
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "UNAVAILABLE", "The server failed to do this.").ConfigureAwait(false);
        }
        finally
        {
            LogRequest(
                logger,
                IsRoutine(request.Path) ? LogLevel.Debug : LogLevel.Information,
                context.Connection.RemoteIpAddress,
                request.Method,
                request.Path,
                context.Response.StatusCode,
                time.GetElapsedTime(started).TotalMilliseconds);
        }

        if (context.Response.StatusCode == StatusCodes.Status413PayloadTooLarge && !context.RequestAborted.IsCancellationRequested)
        {
            await DrainAsync(context, body).ConfigureAwait(false);
        }
    }

    /// <summary>A client that still writes its body when the connection is cut never sees why: answer first, then take the rest.</summary>
    private async Task DrainAsync(HttpContext context, LimitedBody body)
    {
        try
        {
            await context.Response.CompleteAsync().ConfigureAwait(false);
            await body.DrainAsync(context.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or BadHttpRequestException)
        {
            LogAborted(logger, context.Request.Method, context.Request.Path);
        }
    }

    private bool IsAllowed(IPAddress? address)
    {
        if (_allowed.Length == 0)
        {
            return true;
        }

        // A dual-stack socket shows IPv4 callers as ::ffff:a.b.c.d.
        IPAddress? plain = address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;
        return plain is not null && Array.Exists(_allowed, n => n.Contains(plain));
    }

    /// <summary>In the shape of the door that the request was for.</summary>
    private static async Task RefuseAsync(HttpContext context, int status, string code, string message)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.Clear();
        await context.RefuseAsync(new Refusal(status, code, message)).ConfigureAwait(false);
    }

    /// <summary>Polls and probes come every few seconds from everyone and would hide the rest.</summary>
    private static bool IsRoutine(PathString path)
        => path.StartsWithSegments(FrontendHosting.SocketIoPath) || path.StartsWithSegments("/health") || path.StartsWithSegments("/metrics");

    [LoggerMessage(EventId = 3300, Message = "{Address} {Method} {Path} {Status} in {Milliseconds:F1} ms")]
    private static partial void LogRequest(ILogger logger, LogLevel level, IPAddress? address, string method, PathString path, int status, double milliseconds);

    [LoggerMessage(3301, LogLevel.Debug, "{Method} {Path} was given up by the client")]
    private static partial void LogAborted(ILogger logger, string method, PathString path);

    [LoggerMessage(3302, LogLevel.Warning, "{Method} {Path} did not reach the cluster")]
    private static partial void LogUnavailable(ILogger logger, Exception exception, string method, PathString path);

    [LoggerMessage(3303, LogLevel.Error, "{Method} {Path} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, PathString path);
}
