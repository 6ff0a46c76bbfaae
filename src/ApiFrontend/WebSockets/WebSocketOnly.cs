using Microsoft.AspNetCore.Routing.Matching;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.WebSockets;

/// <summary>Marks a route that is there for WebSocket upgrades alone: for other requests it does not exist.</summary>
internal sealed class WebSocketOnly
{
    public static WebSocketOnly Instance { get; } = new();
}

/// <summary>Takes routes with <see cref="WebSocketOnly"/> out of the choice for requests that ask for no WebSocket.</summary>
internal sealed class WebSocketOnlyPolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    public override int Order => 0;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => endpoints.Any(IsMarked);

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        for (var i = 0; i < candidates.Count && !TokenCarriers.IsWebSocket(httpContext.Request); i++)
        {
            if (IsMarked(candidates[i].Endpoint))
            {
                candidates.SetValidity(i, false);
            }
        }

        return Task.CompletedTask;
    }

    private static bool IsMarked(Endpoint endpoint) => endpoint.Metadata.GetMetadata<WebSocketOnly>() is not null;
}
