using Microsoft.AspNetCore.Mvc;
using VoiceCluster.Abstractions.Peers;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.WebSockets;
using VoiceCluster.Hosting.OpenApi;
using VoiceCluster.Media.Sdp;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Signaling;

/// <summary>Peers: <c>/offer</c>, <c>/ice-candidate</c> and <c>/ws</c>.</summary>
internal static class PeerRoutes
{
    private const int MaxType = 16;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/offer", OfferAsync).RequireIdentityUnlessOpen().WithDocs(PeerDocs.Offer);
        routes.MapDelete("/offer", LeaveAsync).RequireIdentityUnlessOpen().WithDocs(PeerDocs.Leave);
        routes.MapPost("/ice-candidate", AddCandidateAsync).RequireOwnerUnlessOpen("peer").WithDocs(PeerDocs.Candidate);
        routes.MapGet("/ws", ConnectAsync).RequireIdentityUnlessOpen().WithDocs(PeerDocs.Socket);
    }

    private static async Task<IResult> OfferAsync(HttpContext context, [FromServices] IGrainFactory grains, [FromServices] PeerSignaling signaling)
    {
        if (PeerCaller.Read(context, out var caller) is { } wrong)
        {
            return PeerJson.Error(wrong);
        }

        var request = await PeerRequest.ReadAsync(context).ConfigureAwait(false);
        if (request.Text("type", MaxType) is { Length: > 0 } type && type != "offer")
        {
            request.Refuse("type must be offer");
        }

        var sdp = request.Text("sdp", SdpLimits.MaxLength);
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var (answer, refused) = await signaling.OfferAsync(grains.GetGrain<IPeerGrain>(caller.Key), caller.Peer, sdp).ConfigureAwait(false);
        return refused is null ? PeerJson.Answer("answer created successfully", answer) : PeerJson.Error(refused);
    }

    private static async Task<IResult> LeaveAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        if (PeerCaller.Read(context, out var caller) is { } wrong)
        {
            return PeerJson.Error(wrong);
        }

        var left = await grains.GetGrain<IPeerGrain>(caller.Key).LeaveAsync().ConfigureAwait(false);
        return left.Fault is { } fault ? PeerJson.Error(PeerError.Of(fault)) : PeerJson.Done("peer left successfully");
    }

    private static async Task<IResult> AddCandidateAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        if (PeerCaller.Read(context, out var caller) is { } wrong)
        {
            return PeerJson.Error(wrong);
        }

        var request = await PeerRequest.ReadAsync(context).ConfigureAwait(false);
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        if (!PeerSignaling.IsCandidate(request.Body))
        {
            return PeerJson.Error(PeerError.Invalid("the body must be an RTCIceCandidate: candidate, sdpMid and sdpMLineIndex"));
        }

        // Of an ICE-lite server the client's candidates are not needed (RFC 8445 §2.5); who is no peer hears so.
        var peer = await grains.GetGrain<IPeerGrain>(caller.Key).GetAsync().ConfigureAwait(false);
        return peer.Fault is { } fault ? PeerJson.Error(PeerError.Of(fault)) : PeerJson.Done("ICE candidate added successfully");
    }

    private static async Task<IResult> ConnectAsync(
        HttpContext context,
        [FromServices] IGrainFactory grains,
        [FromServices] PeerSignaling signaling,
        [FromServices] MessageSockets sockets,
        [FromServices] Limits.RequestLimits limits,
        [FromServices] ILogger<PeerSocket> logger)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            return PeerJson.Error(PeerError.WebSocketRequired);
        }

        if (PeerCaller.Read(context, out var caller) is { } wrong)
        {
            return PeerJson.Error(wrong);
        }

        await sockets.ServeAsync(
            context,
            $"Peer {caller.Peer.PeerId}",
            context.GetIdentity()?.ExpiresAt,
            PeerSocket.Limits,
            socket => new PeerSocket(socket, caller, grains, signaling, limits, logger)).ConfigureAwait(false);
        return Results.Empty;
    }
}
