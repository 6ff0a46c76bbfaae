using Microsoft.AspNetCore.RateLimiting;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Limits;

/// <summary>Counts requests of addresses, before the token is looked at. Routes with <c>DisableRateLimiting()</c> are free.</summary>
internal sealed class AddressLimitMiddleware(RequestDelegate next, RequestLimits limits)
{
    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<DisableRateLimitingAttribute>() is not null
        || limits.TryAddress(context.Connection.RemoteIpAddress, out var retryAfter)
            ? next(context)
            : context.RefuseAsync(Refusal.TooManyRequests, retryAfter);
}

/// <summary>Counts requests of users, once the token has said who they are.</summary>
internal sealed class UserLimitMiddleware(RequestDelegate next, RequestLimits limits)
{
    public Task InvokeAsync(HttpContext context) =>
        context.GetIdentity() is not { } identity
        || context.GetEndpoint()?.Metadata.GetMetadata<DisableRateLimitingAttribute>() is not null
        || limits.TryUser(identity.UserId, out var retryAfter)
            ? next(context)
            : context.RefuseAsync(Refusal.TooManyRequests, retryAfter);
}
