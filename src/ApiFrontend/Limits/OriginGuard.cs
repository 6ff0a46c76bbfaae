using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;

namespace VoiceCluster.ApiFrontend.Limits;

/// <summary>
/// Refuses pages of foreign origins where CORS does not: WebSockets know no CORS at all (RFC 6455 §10.2), and a simple POST
/// is done before the browser asks. Programs that are no browsers send no Origin and pass.
/// </summary>
internal sealed class OriginGuard(RequestDelegate next, IOptions<HttpOptions> options)
{
    private readonly string[] _origins = HttpOptions.Split(options.Value.CorsOrigins);

    public Task InvokeAsync(HttpContext context)
    {
        var origin = context.Request.Headers.Origin.ToString();
        return origin.Length == 0 || !CanChange(context.Request) || IsOwn(context.Request, origin) || FrontendHosting.IsAllowed(_origins, origin)
            ? next(context)
            : context.RefuseAsync(Refusal.Forbidden("Pages of this origin may not call here."));
    }

    private static bool CanChange(HttpRequest request) => TokenCarriers.IsWebSocket(request)
        || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method));

    /// <summary>The page came from here. The scheme is not compared: a proxy may have ended TLS.</summary>
    private static bool IsOwn(HttpRequest request, string origin) => Uri.TryCreate(origin, UriKind.Absolute, out var uri)
        && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);
}
