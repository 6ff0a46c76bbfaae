namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>Why a request goes no further, before any door writes it in its own shape.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">A stable code for programs, such as <c>UNAUTHENTICATED</c>.</param>
/// <param name="Message">One sentence for people. It tells nothing about why a token was refused.</param>
public sealed record Refusal(int Status, string Code, string Message)
{
    public static Refusal NoToken { get; } = new(StatusCodes.Status401Unauthorized, "UNAUTHENTICATED", "A token is required.");

    public static Refusal BadToken { get; } = new(StatusCodes.Status401Unauthorized, "UNAUTHENTICATED", "The token is not valid.");

    public static Refusal KeysUnavailable { get; } =
        new(StatusCodes.Status503ServiceUnavailable, "UNAVAILABLE", "Tokens cannot be checked now. Try again.");

    public static Refusal TooManyRequests { get; } =
        new(StatusCodes.Status429TooManyRequests, "RATE_LIMITED", "Too many requests. Try again later.");

    public static Refusal Forbidden(string message) => new(StatusCodes.Status403Forbidden, "FORBIDDEN", message);
}

/// <summary>How a door writes a refusal. Endpoint metadata; a door adds it to its route group with <c>WithRefusalShape</c>.</summary>
public interface IRefusalShape
{
    /// <summary>Writes the body. Status and headers are set already.</summary>
    Task WriteAsync(HttpContext context, Refusal refusal);
}

/// <summary>The shape of routes that declare none: <c>{"error":{"code","message"}}</c>.</summary>
internal sealed class DefaultRefusalShape : IRefusalShape
{
    public static DefaultRefusalShape Instance { get; } = new();

    public Task WriteAsync(HttpContext context, Refusal refusal) => context.Response.WriteAsJsonAsync(
        new { error = new { code = refusal.Code, message = refusal.Message } }, context.RequestAborted);
}

/// <summary>Ends a request with a refusal in the shape of its endpoint.</summary>
public static class RefusalHttpContextExtensions
{
    public static Task RefuseAsync(this HttpContext context, Refusal refusal, TimeSpan? retryAfter = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(refusal);
        var response = context.Response;
        response.StatusCode = refusal.Status;
        response.Headers.CacheControl = "no-store";
        if (refusal.Status == StatusCodes.Status401Unauthorized)
        {
            // RFC 6750 §3: a refused request names the scheme; §3.1: no error code when no token was given.
            response.Headers.WWWAuthenticate = refusal == Refusal.NoToken ? "Bearer" : "Bearer error=\"invalid_token\"";
        }

        if (retryAfter is { } wait)
        {
            // RFC 9110 §10.2.3: whole seconds; rounded up, so that the next try is not refused again.
            response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds))
                .ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        var shape = context.GetEndpoint()?.Metadata.GetMetadata<IRefusalShape>() ?? DefaultRefusalShape.Instance;
        return shape.WriteAsync(context, refusal);
    }
}
