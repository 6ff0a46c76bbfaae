using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace VoiceCluster.MediaNode.Admin;

/// <summary>
/// Who may use <c>/admin/*</c>: with Media:AdminToken whoever has it, else programs of this machine. Only at the media node's own HTTP port,
/// never through a proxy without the token, and never from a page in a browser.
/// </summary>
internal sealed class AdminGate(IOptions<MediaNodeOptions> options) : IEndpointFilter
{
    private const string Scheme = "Bearer ";

    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var media = options.Value;
        if (http.Connection.LocalPort != media.HttpPort)
        {
            // Another port of the process is the public's, or behind a proxy of this machine.
            return TypedResults.NotFound();
        }

        if (!string.IsNullOrEmpty(media.AdminToken))
        {
            return HasToken(http.Request, media.AdminToken)
                ? await next(context).ConfigureAwait(false)
                : AdminAnswer.Problem(401, "Authorization: Bearer with Media:AdminToken is missing or wrong.");
        }

        // A page's script is on this machine as well; it always tells its origin with what can do harm.
        return IsOfThisMachine(http) && !http.Request.Headers.ContainsKey(HeaderNames.Origin)
            ? await next(context).ConfigureAwait(false)
            : AdminAnswer.Problem(403, "Without Media:AdminToken only programs of the media node's own machine have access.");
    }

    private static bool HasToken(HttpRequest request, string token)
    {
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(
                SHA256.HashData(Encoding.UTF8.GetBytes(header[Scheme.Length..].Trim())), SHA256.HashData(Encoding.UTF8.GetBytes(token)));
    }

    private static bool IsOfThisMachine(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } from && IPAddress.IsLoopback(from)
        && !context.Request.Headers.ContainsKey("X-Forwarded-For") && !context.Request.Headers.ContainsKey("Forwarded");
}
