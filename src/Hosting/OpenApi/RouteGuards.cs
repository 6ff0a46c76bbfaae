using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace VoiceCluster.Hosting.OpenApi;

/// <summary>Whether an operation takes a token.</summary>
public enum RouteSecurity
{
    /// <summary>It looks at none.</summary>
    None,

    /// <summary>It takes one, and in Open mode does without.</summary>
    Optional,

    /// <summary>It refuses requests without.</summary>
    Required,
}

/// <summary>What stands before a route: its need of a token, and the answers of those who let nobody through.</summary>
public sealed record RouteGuards(RouteSecurity Security, IReadOnlyList<GuardAnswer> Answers);

/// <summary>A refusal as it goes over the wire.</summary>
/// <param name="HasRetryAfter">Whether the header Retry-After comes with it.</param>
public sealed record GuardAnswer(int Status, string Code, string Message, JsonNode Body, bool HasRetryAfter);

/// <summary>Knows the guards of a route; the process that has tokens and limits gives one.</summary>
public interface IRouteGuards
{
    /// <summary>The guards of an endpoint.</summary>
    ValueTask<RouteGuards> OfAsync(Endpoint endpoint);
}
