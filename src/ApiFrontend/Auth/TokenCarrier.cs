using Microsoft.AspNetCore.Http.Features;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>How a token came with a request.</summary>
public enum TokenCarrier
{
    /// <summary>No token came.</summary>
    None,

    /// <summary><c>Authorization: Bearer …</c> (RFC 6750 §2.1).</summary>
    Header,

    /// <summary><c>?token=…</c>, on WebSocket upgrades only: browsers can set no header there.</summary>
    Query,

    /// <summary><c>Sec-WebSocket-Protocol: bearer, …</c>: the entry after <c>bearer</c> is the token.</summary>
    Subprotocol,

    /// <summary>A header that is not as it should be, or several tokens: refused.</summary>
    Faulty,
}

/// <summary>Finds the token of a request.</summary>
public static class TokenCarriers
{
    /// <summary>The subprotocol that announces a token; a server that took the token from it answers with it.</summary>
    public const string Subprotocol = "bearer";

    private const string Scheme = "Bearer ";

    /// <summary>The token and its carrier. RFC 6750 §2: a client MUST NOT use more than one carrier, so two are a fault.</summary>
    public static TokenCarrier Find(HttpRequest request, out string? token)
    {
        ArgumentNullException.ThrowIfNull(request);
        var carrier = FromHeader(request, out token);
        if (!IsWebSocket(request))
        {
            return carrier;
        }

        carrier = Join(carrier, FromQuery(request, out var query), ref token, query);
        return Join(carrier, FromSubprotocol(request, out var offered), ref token, offered);
    }

    /// <summary>What to accept a WebSocket with: <c>bearer</c> when the client offered its token so (RFC 6455 §4.2.2), else null.</summary>
    public static string? AcceptedSubprotocol(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return IsWebSocket(context.Request) && FromSubprotocol(context.Request, out _) == TokenCarrier.Subprotocol ? Subprotocol : null;
    }

    /// <summary>Whether the request asks for a WebSocket, over HTTP/1.1 (RFC 6455) or HTTP/2 (RFC 8441).</summary>
    internal static bool IsWebSocket(HttpRequest request)
    {
        var features = request.HttpContext.Features;
        return (features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
                && string.Equals(request.Headers.Upgrade, "websocket", StringComparison.OrdinalIgnoreCase))
            || features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" };
    }

    private static TokenCarrier FromHeader(HttpRequest request, out string? token)
    {
        token = null;
        var header = request.Headers.Authorization;
        if (header.Count == 0)
        {
            return TokenCarrier.None;
        }

        // RFC 9110 §11.1: the scheme's name has no case.
        if (header.Count > 1 || header[0] is not { } value || !value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return TokenCarrier.Faulty;
        }

        token = value[Scheme.Length..];
        return TokenCarrier.Header;
    }

    private static TokenCarrier FromQuery(HttpRequest request, out string? token)
    {
        token = null;
        if (!request.Query.TryGetValue("token", out var values))
        {
            return TokenCarrier.None;
        }

        token = values.Count == 1 ? values[0] : null;
        return token is null ? TokenCarrier.Faulty : TokenCarrier.Query;
    }

    private static TokenCarrier FromSubprotocol(HttpRequest request, out string? token)
    {
        token = null;
        var offers = request.Headers.SecWebSocketProtocol
            .SelectMany(line => (line ?? string.Empty).Split(',', StringSplitOptions.TrimEntries))
            .ToArray();
        var at = Array.IndexOf(offers, Subprotocol);
        if (at < 0)
        {
            return TokenCarrier.None;
        }

        if (at + 1 >= offers.Length || Array.LastIndexOf(offers, Subprotocol) != at)
        {
            return TokenCarrier.Faulty;
        }

        token = offers[at + 1];
        return TokenCarrier.Subprotocol;
    }

    private static TokenCarrier Join(TokenCarrier first, TokenCarrier second, ref string? token, string? secondToken)
    {
        if (second == TokenCarrier.None)
        {
            return first;
        }

        if (first == TokenCarrier.None)
        {
            token = secondToken;
            return second;
        }

        return TokenCarrier.Faulty;
    }
}
