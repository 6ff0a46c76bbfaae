using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Calls;

/// <summary>Call sessions: <c>/call/*</c>.</summary>
internal static class CallRoutes
{
    private const int MaxWord = 32;
    private const int MaxQuality = 100;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/session", CreateAsync).RequireIdentityUnlessOpen().WithDocs(CallSessionDocs.Create);
        routes.MapGet("/session/{sessionId}", GetAsync).RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.Get);

        // Whoever knows a session's id may join it: the id is the invitation.
        routes.MapPost("/join", JoinAsync).RequireIdentityUnlessOpen().WithDocs(CallSessionDocs.Join);
        routes.MapPost("/leave", LeaveAsync).RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.Leave);
        routes.MapPost("/mute", MuteAsync).RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.Mute);
        routes.MapPost("/kick", KickAsync).RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.Kick);
        routes.MapPost("/role", SetRoleAsync).RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.Role);
        routes.MapPost("/quality", SetQualityAsync).RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.Quality);
        routes.MapPost("/recording/start", StartRecordingAsync).RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.StartRecording);
        routes.MapPost("/recording/stop", StopRecordingAsync).RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.StopRecording);
        routes.MapGet("/recordings/{sessionId}", ListRecordingsAsync).RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.ListRecordings);
        routes.MapGet("/recordings/{sessionId}/{recordingId}/{name}", RecordingContent.ServeAsync)
            .RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.GetRecording);
        routes.MapDelete("/recordings/{sessionId}/{recordingId}", DeleteRecordingAsync)
            .RequireOwnerUnlessOpen("call session").WithDocs(CallSessionDocs.DeleteRecording);
    }

    private static async Task<IResult> CreateAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var request = await PeerRequest.ReadAsync(context).ConfigureAwait(false);
        var creator = request.Caller("creatorId");
        var type = CallSessionType.Video;
        if (request.OptionalText("type", MaxWord) is { } word && !CallWords.TryReadType(word, out type))
        {
            request.Refuse("type must be video or audio");
        }

        var quality = Quality(request, "quality") ?? MaxQuality;
        var duration = request.OptionalDuration("duration");
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var created = await grains.GetGrain<ICallSessionGrain>(Guid.CreateVersion7())
            .CreateAsync(new NewCallSession(creator, type, quality, duration)).ConfigureAwait(false);
        return PeerJson.Answer(created, "call session created successfully", CallSessionAnswer.Of);
    }

    private static async Task<IResult> GetAsync(HttpContext context, string sessionId, string? userId, [FromServices] IGrainFactory grains)
    {
        var request = PeerRequest.Of(context);
        var id = request.ReadId(sessionId, PeerIds.Call, "call session");
        var reader = request.Reader(userId, "userId");
        return request.Error is { } error
            ? PeerJson.Error(error)
            : PeerJson.Answer(
                await grains.GetGrain<ICallSessionGrain>(id).GetAsync(reader).ConfigureAwait(false), "call session retrieved successfully", CallSessionAnswer.Of);
    }

    private static Task<IResult> JoinAsync(HttpContext context, [FromServices] IGrainFactory grains) =>
        ChangeAsync(context, grains, "joined call successfully", _ => (session, caller) => session.JoinAsync(caller));

    private static Task<IResult> LeaveAsync(HttpContext context, [FromServices] IGrainFactory grains) =>
        ChangeAsync(context, grains, "left call successfully", _ => (session, caller) => session.LeaveAsync(caller.UserId));

    private static Task<IResult> MuteAsync(HttpContext context, [FromServices] IGrainFactory grains) =>
        ChangeAsync(context, grains, "mute state updated successfully", request =>
        {
            var target = request.OptionalUser("targetId");
            var muted = request.OptionalFlag("muted") ?? true;
            return (session, caller) => session.SetMutedAsync(caller.UserId, (target ?? caller).UserId, muted);
        });

    private static Task<IResult> KickAsync(HttpContext context, [FromServices] IGrainFactory grains) =>
        ChangeAsync(context, grains, "participant removed successfully", request =>
        {
            var target = request.User("targetId");
            return (session, caller) => session.KickAsync(caller.UserId, target.UserId);
        });

    private static Task<IResult> SetRoleAsync(HttpContext context, [FromServices] IGrainFactory grains) =>
        ChangeAsync(context, grains, "role updated successfully", request =>
        {
            var target = request.User("targetId");
            if (!CallWords.TryReadRole(request.Text("role", MaxWord), out var role))
            {
                request.Refuse("role must be host, moderator or participant");
            }

            return (session, caller) => session.SetRoleAsync(caller.UserId, target.UserId, role);
        });

    private static Task<IResult> SetQualityAsync(HttpContext context, [FromServices] IGrainFactory grains) =>
        ChangeAsync(context, grains, "quality updated successfully", request =>
        {
            var target = request.OptionalUser("targetId");
            if (Quality(request, "quality") is not { } quality)
            {
                request.Refuse("quality is required");
                quality = 0;
            }

            return (session, caller) => session.SetQualityAsync(caller.UserId, (target ?? caller).UserId, quality);
        });

    private static async Task<IResult> StartRecordingAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var (request, id, caller) = await ReadAsync(context).ConfigureAwait(false);
        return request.Error is { } error
            ? PeerJson.Error(error)
            : PeerJson.Answer(
                await grains.GetGrain<ICallSessionGrain>(id).StartRecordingAsync(caller.UserId).ConfigureAwait(false),
                "recording started successfully",
                RecordingAnswer.Of);
    }

    private static async Task<IResult> StopRecordingAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var (request, id, caller) = await ReadAsync(context).ConfigureAwait(false);
        return request.Error is { } error
            ? PeerJson.Error(error)
            : PeerJson.Answer(
                await grains.GetGrain<ICallSessionGrain>(id).StopRecordingAsync(caller.UserId).ConfigureAwait(false),
                "recording stopped successfully",
                RecordingAnswer.Of);
    }

    private static async Task<IResult> ListRecordingsAsync(HttpContext context, string sessionId, string? userId, [FromServices] IGrainFactory grains)
    {
        var request = PeerRequest.Of(context);
        var id = request.ReadId(sessionId, PeerIds.Call, "call session");
        var reader = request.Reader(userId, "userId");
        return request.Error is { } error
            ? PeerJson.Error(error)
            : PeerJson.Answer(
                await grains.GetGrain<ICallSessionGrain>(id).GetRecordingsAsync(reader).ConfigureAwait(false),
                "recordings retrieved successfully",
                recordings => recordings.Select(RecordingAnswer.Of).ToArray());
    }

    private static async Task<IResult> DeleteRecordingAsync(
        HttpContext context, string sessionId, string recordingId, string? userId, [FromServices] IGrainFactory grains, [FromServices] RecordingContent content)
    {
        var request = PeerRequest.Of(context);
        var id = request.ReadId(sessionId, PeerIds.Call, "call session");
        var recording = request.ReadId(recordingId, PeerIds.Recording, "recording");
        if (request.Reader(userId, "userId") is not { } by)
        {
            request.Refuse("userId is required");
            by = default;
        }

        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var deleted = await grains.GetGrain<ICallSessionGrain>(id).DeleteRecordingAsync(by, recording).ConfigureAwait(false);
        if (deleted.Fault is { } fault)
        {
            return PeerJson.Error(PeerError.Of(fault));
        }

        await content.DeleteAsync(deleted.Value!).ConfigureAwait(false);
        return PeerJson.Done("recording deleted successfully");
    }

    /// <summary>A request of a participant: reads what it wants, and then has the session do it.</summary>
    private static async Task<IResult> ChangeAsync(
        HttpContext context,
        IGrainFactory grains,
        string message,
        Func<PeerRequest, Func<ICallSessionGrain, ChatUser, Task<Outcome<CallSessionInfo>>>> read)
    {
        var (request, id, caller) = await ReadAsync(context).ConfigureAwait(false);
        var change = read(request);
        return request.Error is { } error
            ? PeerJson.Error(error)
            : PeerJson.Answer(await change(grains.GetGrain<ICallSessionGrain>(id), caller).ConfigureAwait(false), message, CallSessionAnswer.Of);
    }

    private static async Task<(PeerRequest Request, Guid Id, ChatUser Caller)> ReadAsync(HttpContext context)
    {
        var request = await PeerRequest.ReadAsync(context).ConfigureAwait(false);
        return (request, request.Id("sessionId", PeerIds.Call, "call session"), request.Caller("participantId"));
    }

    /// <summary>A number from 0 to 100, or a word.</summary>
    private static int? Quality(PeerRequest request, string name)
    {
        if (request.Find(name) is { ValueKind: JsonValueKind.String })
        {
            var quality = CallWords.QualityOf(request.OptionalText(name, MaxWord));
            if (quality is null)
            {
                request.Refuse($"{name} must be 0 to 100, or low, medium, high or auto");
            }

            return quality;
        }

        return (int?)request.OptionalNumber(name, 0, MaxQuality);
    }
}
