using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection.Extensions;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Ice;
using VoiceCluster.ApiFrontend.WebSockets;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>Calls and chats: <c>/api/v1/calls</c>, <c>/api/v1/chats</c> and the WebSocket <c>/api/v1/ws</c>.</summary>
public static class CallsDoor
{
    private const int DefaultPage = 50;

    /// <summary>Registers what the door needs; the host gives an IGrainFactory.</summary>
    public static IServiceCollection AddCalls(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(TimeProvider.System);
        services.AddMessageSockets();
        services.AddSingleton<CallSockets>();
        return services;
    }

    /// <summary>Maps the routes. The host has WebSockets and identity in its pipeline.</summary>
    public static IEndpointRouteBuilder MapCalls(this IEndpointRouteBuilder routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        var api = routes.MapGroup("/api/v1").AddEndpointFilter<CallsGuard>();
        api.MapPost("/calls", StartAsync).RequireOwner("chat").WithDocs(CallDocs.Start);
        api.MapGet("/calls", ListAsync).RequireOwner("chat").WithDocs(CallDocs.List);
        api.MapGet("/calls/ice-servers", GetIceServers).RequireIdentity().WithDocs(CallDocs.IceServers);
        api.MapGet("/calls/{callId}", GetAsync).RequireOwner("call").WithDocs(CallDocs.Get);
        api.MapPatch("/calls/{callId}", AnswerAsync).RequireOwner("call").WithDocs(CallDocs.Answer);
        api.MapDelete("/calls/{callId}", HangupAsync).RequireOwner("call").WithDocs(CallDocs.Hangup);
        api.MapPost("/chats", CreateChatAsync).RequireIdentity().WithDocs(CallDocs.CreateChat);
        api.MapGet("/chats/{chatId}", GetChatAsync).RequireOwner("chat").WithDocs(CallDocs.GetChat);
        api.MapGet("/ws", (HttpContext context, CallSockets sockets) => sockets.AcceptAsync(context)).RequireIdentity().WithDocs(CallDocs.Socket);
        return routes;
    }

    private static async Task<IResult> StartAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        if (await CallRequests.ReadBodyAsync(context).ConfigureAwait(false) is not { } body)
        {
            return CallJson.Error(CallError.Invalid("The body must be a JSON object."));
        }

        if (CallRequests.ReadStart(body, out var chatId, out var recipientIds, out var type) is { } wrong)
        {
            return CallJson.Error(CallError.Invalid(wrong));
        }

        var callId = Guid.CreateVersion7();
        var origin = new CallOrigin(DeviceOrigin.DeviceOf(context, null), null);
        var caller = context.RequireIdentity();
        var started = await grains.GetGrain<ICallGrain>(callId)
            .StartAsync(new StartCall(chatId, caller.UserId, recipientIds, type, origin) { CallerName = caller.Name }).ConfigureAwait(false);
        if (started.Fault is { } fault)
        {
            return CallJson.Error(CallError.Of(fault));
        }

        return started.Value!.Call is { } call
            ? CallJson.Answer(CallAnswer.Of(call), StatusCodes.Status201Created)
            : CallJson.Error(CallError.ActiveCall, started.Value.ActiveCallId);
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var query = context.Request.Query;
        if (!CallRequests.TryReadId(query["chat_id"], out var chatId))
        {
            return CallJson.Error(CallError.Invalid("chat_id must be a UUID."));
        }

        var limit = DefaultPage;
        if (query.TryGetValue("limit", out var text) && !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit))
        {
            return CallJson.Error(CallError.Invalid("limit must be a number."));
        }

        Guid? beforeCall = null;
        DateTimeOffset? beforeTime = null;
        if (query.TryGetValue("before", out var before))
        {
            if (CallRequests.TryReadId(before, out var id))
            {
                beforeCall = id;
            }
            else if (DateTimeOffset.TryParse(before, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                beforeTime = time;
            }
            else
            {
                return CallJson.Error(CallError.Invalid("before must be a call's id or a time (RFC 3339)."));
            }
        }

        var page = await grains.GetGrain<IChatGrain>(chatId)
            .GetCallsAsync(context.RequireIdentity().UserId, new CallPageRequest(beforeCall, beforeTime, limit)).ConfigureAwait(false);
        return page.Fault is { } fault ? CallJson.Error(CallError.Of(fault)) : CallJson.Answer(CallPageAnswer.Of(page.Value!));
    }

    /// <summary>The one answer in camelCase: it is an RTCConfiguration.</summary>
    private static IResult GetIceServers(HttpContext context, IceServers servers) =>
        CallJson.Answer(new Dictionary<string, IceServer[]> { ["iceServers"] = servers.For(context.RequireIdentity().UserId) });

    private static Task<IResult> GetAsync(HttpContext context, string callId, [FromServices] IGrainFactory grains) =>
        WithCallAsync(callId, grains, call => call.GetAsync(context.RequireIdentity().UserId));

    private static async Task<IResult> AnswerAsync(HttpContext context, string callId, [FromServices] IGrainFactory grains)
    {
        if (!CallRequests.TryReadId(callId, out _))
        {
            return CallJson.Error(CallError.InvalidCallId);
        }

        if (await CallRequests.ReadBodyAsync(context).ConfigureAwait(false) is not { } body)
        {
            return CallJson.Error(CallError.Invalid("The body must be a JSON object."));
        }

        if (CallRequests.ReadAnswer(body, out var accept, out var device) is { } wrong)
        {
            return CallJson.Error(CallError.Invalid(wrong));
        }

        var userId = context.RequireIdentity().UserId;
        var origin = new CallOrigin(DeviceOrigin.DeviceOf(context, device), null);
        return await WithCallAsync(
            callId, grains, call => accept ? call.AcceptAsync(userId, origin) : call.RejectAsync(userId, origin), "CALL_ANSWERED").ConfigureAwait(false);
    }

    private static Task<IResult> HangupAsync(HttpContext context, string callId, [FromServices] IGrainFactory grains) =>
        WithCallAsync(callId, grains, call => call.HangupAsync(context.RequireIdentity().UserId));

    private static async Task<IResult> WithCallAsync(
        string callId, IGrainFactory grains, Func<ICallGrain, Task<Outcome<CallInfo>>> request, string conflict = "CONFLICT")
    {
        if (!CallRequests.TryReadId(callId, out var id))
        {
            return CallJson.Error(CallError.InvalidCallId);
        }

        var answer = await request(grains.GetGrain<ICallGrain>(id)).ConfigureAwait(false);
        return answer.Fault is { } fault ? CallJson.Error(CallError.Of(fault, conflict)) : CallJson.Answer(CallAnswer.Of(answer.Value!));
    }

    private static async Task<IResult> CreateChatAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        if (await CallRequests.ReadBodyAsync(context).ConfigureAwait(false) is not { } body
            || !CallRequests.TryReadMembers(body, out var memberIds))
        {
            return CallJson.Error(CallError.Invalid("member_ids must be a list of UUIDs."));
        }

        var chat = await grains.GetGrain<IChatGrain>(Guid.CreateVersion7())
            .CreateAsync(context.RequireIdentity().UserId, memberIds).ConfigureAwait(false);
        return chat.Fault is { } fault
            ? CallJson.Error(CallError.Of(fault))
            : CallJson.Answer(ChatAnswer.Of(chat.Value!), StatusCodes.Status201Created);
    }

    private static async Task<IResult> GetChatAsync(HttpContext context, string chatId, [FromServices] IGrainFactory grains)
    {
        if (!CallRequests.TryReadId(chatId, out var id))
        {
            return CallJson.Error(CallError.Invalid("The chat id is not a valid UUID."));
        }

        var chat = await grains.GetGrain<IChatGrain>(id).GetAsync(context.RequireIdentity().UserId).ConfigureAwait(false);
        return chat.Fault is { } fault ? CallJson.Error(CallError.Of(fault)) : CallJson.Answer(ChatAnswer.Of(chat.Value!));
    }
}
