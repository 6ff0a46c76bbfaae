using System.Text.Json;
using System.Text.Json.Serialization;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>A channel in an answer. <c>user_count</c> is in the answer for one channel.</summary>
internal sealed record ChannelAnswer(
    Guid Id, string Name, string? Description, Guid OwnerId, int MaxUsers, bool IsPrivate, int? UserCount, DateTime CreatedAt)
{
    public static ChannelAnswer Of(ChannelInfo channel, int? users = null) => new(
        channel.Id, channel.Name, channel.Description, channel.OwnerId, channel.MaxUsers, channel.IsPrivate, users, channel.CreatedAt.UtcDateTime);
}

/// <summary>The inner part of an error.</summary>
internal sealed record ChannelErrorBody(string Code, string Message);

/// <summary>An error: <c>{"error":{"code","message"}}</c>.</summary>
internal sealed record ChannelErrorAnswer(ChannelErrorBody Error);

/// <summary>JSON as this door writes it: snake_case, no nulls.</summary>
internal static class ChannelJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static IResult Answer<T>(T value, int status = StatusCodes.Status200OK) => Results.Json(value, Options, statusCode: status);

    public static IResult Error(int status, string code, string message) =>
        Answer(new ChannelErrorAnswer(new ChannelErrorBody(code, message)), status);

    public static IResult Invalid(string message) => Error(400, "INVALID_REQUEST", message);

    public static IResult Unavailable() => Error(503, "UNAVAILABLE", "The cluster cannot do this now. Try again.");

    public static IResult Error(Fault fault) => fault.Code switch
    {
        FaultCode.Invalid or FaultCode.Unsupported => Invalid(fault.Message),
        FaultCode.Unauthenticated => Error(401, "UNAUTHENTICATED", fault.Message),
        FaultCode.Forbidden => Error(403, "FORBIDDEN", fault.Message),
        FaultCode.NotFound => Error(404, "CHANNEL_NOT_FOUND", fault.Message),
        FaultCode.Full => Error(409, "LIMIT_REACHED", fault.Message),
        FaultCode.Conflict => Error(409, "CONFLICT", fault.Message),
        FaultCode.Gone => Error(410, "GONE", fault.Message),
        _ => Error(503, "UNAVAILABLE", fault.Message),
    };
}

/// <summary>Answers what went wrong in this door's shape, and never with the text of an exception.</summary>
internal sealed partial class ChannelsGuard(ILogger<ChannelsGuard> logger) : IEndpointFilter
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
            return e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? ChannelJson.Error(e.StatusCode, "REQUEST_TOO_LARGE", "The body is too large.")
                : ChannelJson.Invalid("The request is malformed.");
        }
        catch (Exception e) when (!http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            LogFailed(logger, e, http.Request.Method, http.Request.Path);
            return ChannelJson.Unavailable();
        }
    }

    [LoggerMessage(3510, LogLevel.Warning, "{Method} {Path}: the cluster could not do it")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, PathString path);
}
