using System.Text.Json.Nodes;
using Microsoft.AspNetCore.RateLimiting;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>
/// Tells the OpenAPI document what stands before a route: its policy, limits and foreign origins. The refusals shown are written
/// by the very shape that writes them to clients.
/// </summary>
internal sealed class FrontendGuards(IServiceProvider services) : IRouteGuards
{
    private static readonly RoutePolicy Undeclared = new(RouteAccess.Identity);

    public async ValueTask<RouteGuards> OfAsync(Endpoint endpoint)
    {
        var policy = RoutePolicy.Of(endpoint) ?? Undeclared;
        List<GuardAnswer> answers = [];
        foreach (var (refusal, hasRetryAfter) in RefusalsOf(endpoint, policy))
        {
            answers.Add(new GuardAnswer(
                refusal.Status, refusal.Code, refusal.Message, await WriteAsync(endpoint, refusal).ConfigureAwait(false), hasRetryAfter));
        }

        return new RouteGuards(
            policy.Access switch
            {
                RouteAccess.Public => RouteSecurity.None,
                RouteAccess.IdentityUnlessOpen => RouteSecurity.Optional,
                _ => RouteSecurity.Required,
            },
            answers);
    }

    private static IEnumerable<(Refusal Refusal, bool HasRetryAfter)> RefusalsOf(Endpoint endpoint, RoutePolicy policy)
    {
        if (policy.Access != RouteAccess.Public)
        {
            yield return (Refusal.NoToken, false);
            yield return (Refusal.BadToken, false);
            yield return (Refusal.KeysUnavailable, true);
        }

        if (policy.Role is { } role)
        {
            yield return (Refusal.Forbidden($"The role {role} is required."), false);
        }

        if (endpoint.Metadata.GetMetadata<DisableRateLimitingAttribute>() is null)
        {
            yield return (Refusal.TooManyRequests, true);
        }
    }

    private async Task<JsonNode> WriteAsync(Endpoint endpoint, Refusal refusal)
    {
        using MemoryStream body = new();
        DefaultHttpContext context = new() { RequestServices = services };
        context.Response.Body = body;
        context.SetEndpoint(endpoint);
        await context.RefuseAsync(refusal).ConfigureAwait(false);
        body.Position = 0;
        return JsonNode.Parse(body) ?? throw new InvalidOperationException($"{endpoint.DisplayName} writes refusals without a body.");
    }
}
