using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;

namespace VoiceCluster.ApiFrontend.Limits;

/// <summary>
/// Refuses pages of foreign origins where CORS does not: a browser carries out a simple POST before it looks at any permission,
/// and asks nobody before a WebSocket. Clients that are no browsers send no Origin and pass.
/// </summary>
internal sealed class OriginGuard(RequestDelegate next, IOptions<HttpOptions> options)
{
    private readonly Origins _origins = new(options.Value.CorsOrigins);

    public Task InvokeAsync(HttpContext context) => !CanChange(context.Request) || _origins.MayOpenSocket(context.Request)
        ? next(context)
        : context.RefuseAsync(Refusal.Forbidden("Pages of this origin may not call here."));

    private static bool CanChange(HttpRequest request) => TokenCarriers.IsWebSocket(request)
        || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method));
}
