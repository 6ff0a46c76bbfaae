using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Chats;

/// <summary>Chat sessions: <c>/chat/*</c>.</summary>
internal static class ChatRoutes
{
    private const int DefaultPage = 100;
    private const int MaxParticipants = 1_000;
    private const int MaxText = 262_144;
    private const int MaxReaction = 64;
    private const int MaxUrl = 2_048;
    private const int MaxFileName = 255;
    private const int MaxType = 64;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/session", CreateAsync).RequireIdentityUnlessOpen().WithDocs(ChatDocs.Create);
        routes.MapPost("/join", AddAsync).RequireOwnerUnlessOpen("chat").WithDocs(ChatDocs.Join);
        routes.MapPost("/message", SendAsync).RequireOwnerUnlessOpen("chat").WithDocs(ChatDocs.Send);
        routes.MapPost("/attachment", AttachAsync).RequireOwnerUnlessOpen("chat").WithDocs(ChatDocs.Attach);
        routes.MapPost("/reaction", (HttpContext context, [FromServices] IGrainFactory grains, [FromServices] TimeProvider time)
            => ReactAsync(context, grains, time, removes: false)).RequireOwnerUnlessOpen("chat").WithDocs(ChatDocs.React);
        routes.MapDelete("/reaction", (HttpContext context, [FromServices] IGrainFactory grains, [FromServices] TimeProvider time)
            => ReactAsync(context, grains, time, removes: true)).RequireOwnerUnlessOpen("chat").WithDocs(ChatDocs.Unreact);
        routes.MapGet("/messages/{sessionId}", ListAsync).RequireOwnerUnlessOpen("chat").WithDocs(ChatDocs.List);
        routes.MapGet("/usage/{sessionId}", GetUsageAsync).RequireOwnerUnlessOpen("chat").WithDocs(ChatDocs.Usage);
    }

    private static async Task<IResult> CreateAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var request = await PeerRequest.ReadAsync(context).ConfigureAwait(false);
        var creator = request.Caller("creatorId");
        var participants = request.Users("participants", MaxParticipants);
        var duration = request.OptionalDuration("duration");
        var isGroup = request.OptionalFlag("isGroup");
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var members = participants.Select(p => p.UserId).Append(creator.UserId).Distinct().Count();
        var created = await grains.GetGrain<IChatGrain>(Guid.CreateVersion7())
            .CreateSessionAsync(new NewChat(creator, participants, isGroup ?? members > 2, duration)).ConfigureAwait(false);
        return PeerJson.Answer(created, "chat session created successfully", ChatSessionAnswer.Of);
    }

    private static async Task<IResult> AddAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var request = await PeerRequest.ReadAsync(context).ConfigureAwait(false);
        var session = request.Id("sessionId", PeerIds.Session, "chat session");
        var by = request.Caller("userId");
        var user = request.User("participantId");
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var joined = await grains.GetGrain<IChatGrain>(session).AddMemberAsync(by.UserId, user).ConfigureAwait(false);
        return PeerJson.Answer(joined, "participant joined successfully", ChatSessionAnswer.Of);
    }

    private static async Task<IResult> SendAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var request = await PeerRequest.ReadAsync(context).ConfigureAwait(false);
        var session = request.Id("sessionId", PeerIds.Session, "chat session");
        var sender = request.Caller("senderId");
        var receiver = request.OptionalUser("receiverId");
        var text = request.Text("message", MaxText);
        var messageId = request.OptionalId("messageId", PeerIds.Message);
        var type = ChatMessageType.Text;
        if (request.OptionalText("type", MaxType) is { } name && !TryReadType(name, out type))
        {
            request.Refuse("type must be text, image or file");
        }

        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var sent = await grains.GetGrain<IChatGrain>(session).SendAsync(
            new NewMessage(messageId ?? Guid.CreateVersion7(), sender, receiver, type, text, MayBeRepeated: messageId is not null)).ConfigureAwait(false);
        return PeerJson.Answer(sent, "message sent successfully", m => MessageAnswer.Of(session, m));
    }

    private static async Task<IResult> AttachAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        var request = await PeerRequest.ReadAsync(context).ConfigureAwait(false);
        var session = request.Id("sessionId", PeerIds.Session, "chat session");
        var message = request.Id("messageId", PeerIds.Message, "message");
        var inner = request.Object("attachment");
        var id = inner.OptionalId("id", PeerIds.Attachment);
        var type = inner.Text("type", MaxType);
        var url = inner.Text("url", MaxUrl);
        var name = inner.OptionalText("name", MaxFileName);
        var size = inner.OptionalNumber("size", 0, long.MaxValue);
        var mimeType = inner.OptionalText("mimeType", MaxFileName) ?? inner.OptionalText("contentType", MaxFileName);
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            inner.Refuse("attachment.url must be an http or https address");
        }

        if (mimeType is not null && !System.Net.Http.Headers.MediaTypeHeaderValue.TryParse(mimeType, out _))
        {
            inner.Refuse("attachment.mimeType must be a media type such as image/jpeg");
        }

        request.Merge(inner);

        // Most clients name nobody here; without a token it is then the message's sender who attaches.
        var by = request.OptionalCaller("userId");
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var attachment = new ChatAttachment(id ?? Guid.CreateVersion7(), type, url, name, size, mimeType);
        var attached = await grains.GetGrain<IChatGrain>(session).AttachAsync(by, message, attachment).ConfigureAwait(false);
        return PeerJson.Answer(attached, "attachment added successfully", m => MessageAnswer.Of(session, m));
    }

    private static async Task<IResult> ReactAsync(HttpContext context, IGrainFactory grains, TimeProvider time, bool removes)
    {
        var request = await PeerRequest.ReadAsync(context).ConfigureAwait(false);
        var session = request.Id("sessionId", PeerIds.Session, "chat session");
        var message = request.Id("messageId", PeerIds.Message, "message");
        var inner = request.Object("reaction");
        var type = inner.Text("type", MaxReaction);
        var user = inner.Caller("userId");
        var at = inner.OptionalTime("timestamp") ?? time.GetUtcNow();
        request.Merge(inner);
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var reacted = await grains.GetGrain<IChatGrain>(session).ReactAsync(message, new ChatReaction(user, type, at.ToUniversalTime()), removes).ConfigureAwait(false);
        return PeerJson.Answer(reacted, removes ? "reaction removed successfully" : "reaction added successfully", m => MessageAnswer.Of(session, m));
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, string sessionId, string? userId, string? before, string? after, string? limit, [FromServices] IGrainFactory grains)
    {
        var request = PeerRequest.Of(context);
        var session = request.ReadId(sessionId, PeerIds.Session, "chat session");
        var reader = request.Reader(userId, "userId");
        var page = new MessagePageRequest(Cursor(request, before, "before"), Cursor(request, after, "after"), DefaultPage);
        if (limit is not null)
        {
            if (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            {
                request.Refuse("limit must be a whole number");
            }

            page = page with { Limit = count };
        }

        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var read = await grains.GetGrain<IChatGrain>(session).GetMessagesAsync(reader, page).ConfigureAwait(false);
        if (read.Value is { } found)
        {
            context.Response.Headers["X-Has-More"] = found.HasMore ? "true" : "false";
        }

        return PeerJson.Answer(read, "messages retrieved successfully", p => p.Messages.Select(m => MessageAnswer.Of(session, m)).ToArray());
    }

    private static async Task<IResult> GetUsageAsync(
        HttpContext context, string sessionId, string? userId, [FromServices] IGrainFactory grains, [FromServices] TimeProvider time)
    {
        var request = PeerRequest.Of(context);
        var session = request.ReadId(sessionId, PeerIds.Session, "chat session");
        var reader = request.Reader(userId, "userId");
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var usage = await grains.GetGrain<IChatGrain>(session).GetUsageAsync(reader).ConfigureAwait(false);
        return PeerJson.Answer(usage, "usage retrieved successfully", u => UsageAnswer.Of(u, time.GetUtcNow()));
    }

    private static Guid? Cursor(PeerRequest request, string? text, string name)
    {
        if (text is null)
        {
            return null;
        }

        if (!PeerIds.TryRead(PeerIds.Message, text, out var id))
        {
            request.Refuse($"{name} must be the id of a message");
        }

        return id;
    }

    private static bool TryReadType(string name, out ChatMessageType type)
    {
        type = name switch
        {
            "text" => ChatMessageType.Text,
            "image" => ChatMessageType.Image,
            "file" => ChatMessageType.File,
            _ => (ChatMessageType)(-1),
        };
        return type >= ChatMessageType.Text;
    }
}
