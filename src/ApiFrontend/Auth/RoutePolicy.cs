using Microsoft.AspNetCore.Authorization;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>Who may call a route.</summary>
public enum RouteAccess
{
    /// <summary>Everybody. A token that comes along is not looked at.</summary>
    Public,

    /// <summary>Open mode takes the identity from the request, Required mode from the token. A bad token is refused in both.</summary>
    IdentityUnlessOpen,

    /// <summary>A token, in both modes.</summary>
    Identity,

    /// <summary>A token, and the handler or its grain checks that the caller has a part in the resource.</summary>
    Owner,
}

/// <summary>The declared policy of a route. Every mapped route has one; a route without is treated as <see cref="RouteAccess.Identity"/>.</summary>
/// <param name="Access">Who may call.</param>
/// <param name="Resource">What the caller must have a part in: call, chat, session, channel. Null when it is nobody's.</param>
/// <param name="Role">The role that the token must carry, or null.</param>
public sealed record RoutePolicy(RouteAccess Access, string? Resource = null, string? Role = null)
{
    /// <summary>The policy of an endpoint, or null when it declares none. <c>AllowAnonymous()</c> declares Public.</summary>
    public static RoutePolicy? Of(Endpoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return endpoint.Metadata.GetMetadata<RoutePolicy>()
            ?? (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null ? null : new RoutePolicy(RouteAccess.Public));
    }
}

/// <summary>How routes declare their policy, on one route or on a group.</summary>
public static class RoutePolicyExtensions
{
    /// <summary>Needs a token in every mode (seeds 000 and 001).</summary>
    public static TBuilder RequireIdentity<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RoutePolicy(RouteAccess.Identity));

    /// <summary>Needs a token in Required mode; in Open mode the door takes the identity from the request (seeds 002, 003, 004).</summary>
    public static TBuilder RequireIdentityUnlessOpen<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RoutePolicy(RouteAccess.IdentityUnlessOpen));

    /// <summary>Needs a token with a role in every mode.</summary>
    public static TBuilder RequireRole<TBuilder>(this TBuilder builder, string role)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RoutePolicy(RouteAccess.Identity, Role: role));

    /// <summary>Needs a token in every mode, and promises that the handler lets in only who has a part in the resource.</summary>
    public static TBuilder RequireOwner<TBuilder>(this TBuilder builder, string resource)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RoutePolicy(RouteAccess.Owner, resource));

    /// <summary>
    /// Needs a token in Required mode, and promises that the handler lets in only who owns the resource; in Open mode the owner is who
    /// the request says it is.
    /// </summary>
    public static TBuilder RequireOwnerUnlessOpen<TBuilder>(this TBuilder builder, string resource)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RoutePolicy(RouteAccess.IdentityUnlessOpen, resource));

    /// <summary>Writes the refusals of these routes in the door's own shape.</summary>
    public static TBuilder WithRefusalShape<TBuilder>(this TBuilder builder, IRefusalShape shape)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(shape);
}
