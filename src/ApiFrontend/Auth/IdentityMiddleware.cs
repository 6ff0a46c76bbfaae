using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>Gives a request its identity and holds it to the policy of its route.</summary>
internal sealed partial class IdentityMiddleware(
    RequestDelegate next, ITokenValidator validator, IOptions<AuthOptions> options, ILogger<IdentityMiddleware> logger)
{
    private static readonly RoutePolicy Undeclared = new(RouteAccess.Identity);
    private static readonly TimeSpan KeysRetry = TimeSpan.FromSeconds(5);

    private readonly AuthOptions _options = options.Value;

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint)
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        var policy = RoutePolicy.Of(endpoint);
        if (policy is null)
        {
            UndeclaredRoute(logger, endpoint.DisplayName ?? context.Request.Path);
            policy = Undeclared;
        }

        if (policy.Access == RouteAccess.Public || await AdmitAsync(context, policy).ConfigureAwait(false))
        {
            await next(context).ConfigureAwait(false);
        }
    }

    /// <summary>Whether the request may go on; if not, it has been answered.</summary>
    private async Task<bool> AdmitAsync(HttpContext context, RoutePolicy policy)
    {
        switch (TokenCarriers.Find(context.Request, out var token))
        {
            case TokenCarrier.None when policy.Access == RouteAccess.IdentityUnlessOpen && _options.Mode == AuthMode.Open:
                return true;
            case TokenCarrier.None:
                await context.RefuseAsync(Refusal.NoToken).ConfigureAwait(false);
                return false;
            case TokenCarrier.Faulty:
                await context.RefuseAsync(Refusal.BadToken).ConfigureAwait(false);
                return false;
        }

        var result = await validator.ValidateAsync(token!, context.RequestAborted).ConfigureAwait(false);
        if (result.Fault == TokenFault.KeysUnavailable)
        {
            await context.RefuseAsync(Refusal.KeysUnavailable, KeysRetry).ConfigureAwait(false);
            return false;
        }

        if (!result.Succeeded)
        {
            await context.RefuseAsync(Refusal.BadToken).ConfigureAwait(false);
            return false;
        }

        if (policy.Role is { } role && !HasRole(result.Identity, role))
        {
            await context.RefuseAsync(Refusal.Forbidden($"The role {role} is required.")).ConfigureAwait(false);
            return false;
        }

        context.Features.Set(result.Identity);
        return true;
    }

    private static bool HasRole(VoiceIdentity identity, string role) => role switch
    {
        VoiceIdentity.AdminRole => identity.IsAdmin,
        VoiceIdentity.ModeratorRole => identity.IsModerator,
        _ => identity.Roles.Contains(role, StringComparer.Ordinal),
    };

    [LoggerMessage(3804, LogLevel.Warning, "The route {Route} declares no policy, so it needs a token.")]
    private static partial void UndeclaredRoute(ILogger logger, string route);
}
