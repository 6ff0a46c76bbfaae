using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection.Extensions;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.ApiFrontend.Ice;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.WebSockets;
using VoiceCluster.Hosting.OpenApi;
using VoiceCluster.Media.Sdp;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>Voice sessions over REST and SDP: <c>/voice/join</c>, <c>/state</c>, <c>/leave</c>, <c>/signal</c> and the WebSocket <c>/voice/events</c>.</summary>
public static class VoiceDoor
{
    private const int MaxType = 16;

    /// <summary>Registers what the door needs; the host gives an IGrainFactory.</summary>
    public static IServiceCollection AddVoice(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<RoomEntry>();
        services.AddSingleton<VoiceSignaling>();
        services.AddMessageSockets();
        services.AddSingleton<VoiceSockets>();
        return services;
    }

    /// <summary>Maps the routes. The host has WebSockets and identity in its pipeline.</summary>
    public static IEndpointRouteBuilder MapVoice(this IEndpointRouteBuilder routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        var voice = routes.MapGroup("/voice").AddEndpointFilter<VoiceGuard>();
        voice.MapPost("/join", JoinAsync).RequireIdentity().WithDocs(VoiceDocs.Join);
        voice.MapPatch("/state", SetStateAsync).RequireOwner("session").WithDocs(VoiceDocs.State);
        voice.MapPost("/leave", LeaveAsync).RequireOwner("session").WithDocs(VoiceDocs.Leave);
        voice.MapPost("/signal", SignalAsync).RequireOwner("session").WithDocs(VoiceDocs.Signal);
        voice.MapGet("/events", (HttpContext context, [FromServices] VoiceSockets sockets) => sockets.AcceptAsync(context))
            .RequireIdentity().WithDocs(VoiceDocs.Events);
        return routes;
    }

    private static async Task<IResult> JoinAsync(
        HttpContext context, [FromServices] IGrainFactory grains, [FromServices] RoomEntry entry, [FromServices] IceServers iceServers)
    {
        if (await JsonBody.ReadObjectAsync(context).ConfigureAwait(false) is not { } body)
        {
            return VoiceJson.Error(VoiceError.Invalid("The body must be a JSON object."));
        }

        if (!JsonBody.TryReadId(body, "channel_id", out var channelId))
        {
            return VoiceJson.Error(VoiceError.Invalid("channel_id must be a UUID."));
        }

        if (!JsonBody.TryReadFlag(body, "mute", out var mute) || !JsonBody.TryReadFlag(body, "deaf", out var deaf))
        {
            return VoiceJson.Error(VoiceError.Invalid("mute and deaf must be true or false."));
        }

        var identity = context.RequireIdentity();
        if (!identity.MayJoin(channelId.ToString("D")))
        {
            return VoiceJson.Error(new VoiceError(403, "FORBIDDEN", "The token does not grant this channel."));
        }

        var request = new JoinVoice(
            Guid.NewGuid(), identity.UserId, channelId, identity.Name, mute ?? false, deaf ?? false, JsonSerializer.Serialize(identity.Subject));
        var user = grains.GetGrain<IVoiceUserGrain>(identity.UserId);
        var joined = await entry.AskAsync(() => user.JoinAsync(request)).ConfigureAwait(false);
        if (joined.Fault is { } fault)
        {
            return VoiceJson.Error(VoiceError.OfJoin(fault));
        }

        return SdpServerTransport.TryParse(joined.Value!.TransportJson, out var transport)
            ? VoiceJson.Answer(JoinAnswer.Of(joined.Value.Session, transport, iceServers.For(identity.UserId)))
            : VoiceJson.Error(VoiceError.Unavailable);
    }

    private static async Task<IResult> SetStateAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var (sessionId, body, error) = await ReadAsync(context).ConfigureAwait(false);
        if (error is not null)
        {
            return VoiceJson.Error(error);
        }

        if (!JsonBody.TryReadFlag(body, "mute", out var mute) || !JsonBody.TryReadFlag(body, "deaf", out var deaf) || (mute ?? deaf) is null)
        {
            return VoiceJson.Error(VoiceError.Invalid("mute and deaf must be true or false, and one of them must be given."));
        }

        var state = await grains.GetGrain<IVoiceSessionGrain>(sessionId)
            .SetStateAsync(context.RequireIdentity().UserId, mute, deaf).ConfigureAwait(false);
        return state.Fault is { } fault ? VoiceJson.Error(VoiceError.Of(fault)) : VoiceJson.Answer(StateAnswer.Of(state.Value!));
    }

    private static async Task<IResult> LeaveAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var (sessionId, _, error) = await ReadAsync(context).ConfigureAwait(false);
        if (error is not null)
        {
            return VoiceJson.Error(error);
        }

        var left = await grains.GetGrain<IVoiceSessionGrain>(sessionId).LeaveAsync(context.RequireIdentity().UserId).ConfigureAwait(false);
        return left.Fault is { } fault ? VoiceJson.Error(VoiceError.Of(fault)) : Results.NoContent();
    }

    private static async Task<IResult> SignalAsync(
        HttpContext context, [FromServices] IGrainFactory grains, [FromServices] VoiceSignaling signaling)
    {
        var (sessionId, body, error) = await ReadAsync(context).ConfigureAwait(false);
        if (error is not null)
        {
            return VoiceJson.Error(error);
        }

        var userId = context.RequireIdentity().UserId;
        var session = grains.GetGrain<IVoiceSessionGrain>(sessionId);
        switch (StrictJson.TextOf(body, "type", MaxType))
        {
            case "offer":
                var (answer, refused) = await signaling.OfferAsync(
                    session, sessionId, userId, StrictJson.TextOf(body, "sdp", SdpLimits.MaxLength)).ConfigureAwait(false);
                return refused is null ? VoiceJson.Answer(answer) : VoiceJson.Error(refused);
            case "ice":
                return await OwnedAsync(session, userId).ConfigureAwait(false) is { } notOwned ? VoiceJson.Error(notOwned)
                    : VoiceSignaling.IsCandidate(body) ? Results.NoContent()
                    : VoiceJson.Error(VoiceError.Invalid("candidate must be an RTCIceCandidate object, or null."));
            case "answer":
                return VoiceJson.Error(await OwnedAsync(session, userId).ConfigureAwait(false)
                    ?? new VoiceError(409, "NO_SERVER_OFFER", "The server has offered nothing that could be answered."));
            default:
                return VoiceJson.Error(VoiceError.Invalid("type must be offer, answer or ice."));
        }
    }

    private static async Task<VoiceError?> OwnedAsync(IVoiceSessionGrain session, Guid userId) =>
        (await session.GetAsync(userId).ConfigureAwait(false)).Fault is { } fault ? VoiceError.Of(fault) : null;

    private static async Task<(Guid SessionId, JsonElement Body, VoiceError? Error)> ReadAsync(HttpContext context)
    {
        if (await JsonBody.ReadObjectAsync(context).ConfigureAwait(false) is not { } body)
        {
            return (default, default, VoiceError.Invalid("The body must be a JSON object."));
        }

        return JsonBody.TryReadId(body, "session_id", out var sessionId)
            ? (sessionId, body, null)
            : (default, default, VoiceError.Invalid("session_id must be a UUID."));
    }
}
