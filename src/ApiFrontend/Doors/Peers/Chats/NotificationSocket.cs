using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Notifications;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Doors.Peers.Calls;
using VoiceCluster.ApiFrontend.WebSockets;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Chats;

/// <summary>One listener to a user's chats and call sessions: <c>/chat/notifications</c>. It tells, and takes nothing but pings.</summary>
internal sealed class NotificationSocket : IMessageHandler, INotificationObserver
{
    private const int MaxType = 32;

    private static readonly byte[] Pong = """{"type":"pong"}"""u8.ToArray();

    private readonly Guid _id = Guid.NewGuid();
    private readonly MessageSocket _socket;
    private readonly IGrainFactory _grains;
    private readonly INotificationsGrain _user;
    private readonly INotificationObserver _reference;

    private NotificationSocket(MessageSocket socket, Guid userId, IGrainFactory grains)
    {
        (_socket, _grains) = (socket, grains);
        _user = grains.GetGrain<INotificationsGrain>(userId);
        _reference = grains.CreateObjectReference<INotificationObserver>(this);
    }

    /// <inheritdoc/>
    public TimeSpan RenewEvery => NotificationLease.RenewEvery;

    private static MessageSocketLimits Limits { get; } = new(MaxMessageBytes: 4 * 1024, MaxQueued: 16_384);

    /// <summary>Serves a connection.</summary>
    public static async Task<IResult> AcceptAsync(
        HttpContext context, string? userId, [FromServices] MessageSockets sockets, [FromServices] IGrainFactory grains)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            return PeerJson.Error(PeerError.WebSocketRequired);
        }

        var request = PeerRequest.Of(context);
        var user = request.CallerOf(userId, "userID");
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        await sockets.ServeAsync(
            context,
            $"User {user.UserId}",
            context.GetIdentity()?.ExpiresAt,
            Limits,
            socket => new NotificationSocket(socket, user.UserId, grains)).ConfigureAwait(false);
        return Results.Empty;
    }

    /// <summary>The first thing that a client hears says that nothing is missed from here on.</summary>
    public async Task ConnectAsync()
    {
        await _user.SubscribeAsync(_id, _reference).ConfigureAwait(false);
        _socket.Send("""{"type":"ready"}"""u8.ToArray());
    }

    /// <inheritdoc/>
    public Task RenewAsync() => _user.SubscribeAsync(_id, _reference);

    /// <inheritdoc/>
    public Task DisconnectAsync()
    {
        _grains.DeleteObjectReference<INotificationObserver>(_reference);
        return _user.UnsubscribeAsync(_id);
    }

    /// <inheritdoc/>
    public Task HandleAsync(ReadOnlyMemory<byte> utf8)
    {
        using var document = StrictJson.TryParseObject(utf8);
        _socket.Send(document is not null && StrictJson.TextOf(document.RootElement, "type", MaxType) == "ping"
            ? Pong
            : """{"type":"error","status":400,"message":"this connection takes nothing but {\"type\":\"ping\"}","data":null}"""u8.ToArray());
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task OnNotificationsAsync(Notification[] notifications)
    {
        foreach (var notification in notifications)
        {
            if (Write(notification) is { } message)
            {
                _socket.Send(message);
            }
        }

        return Task.CompletedTask;
    }

    private static byte[]? Write(Notification notification) => notification switch
    {
        ChatMessageNotification n => Write("message", PeerIds.Session, n.ChatId, MessageAnswer.Of(n.ChatId, n.Message)),
        ChatAttachmentNotification n => Write(
            "attachment", PeerIds.Session, n.ChatId, new { MessageId = PeerIds.Write(PeerIds.Message, n.MessageId), Attachment = AttachmentAnswer.Of(n.Attachment) }),
        ChatReactionNotification n => Write(
            "reaction",
            PeerIds.Session,
            n.ChatId,
            new { MessageId = PeerIds.Write(PeerIds.Message, n.MessageId), Reaction = ReactionAnswer.Of(n.Reaction), Removed = n.IsRemoved }),
        ChatJoinedNotification n => Write("participant", PeerIds.Session, n.ChatId, new { Event = "joined", ParticipantId = n.User.Text }),
        ChatCreatedNotification n => Write("session", PeerIds.Session, n.Chat.Id, ChatSessionAnswer.Of(n.Chat)),
        CallSessionNotification n => Write(
            "call", PeerIds.Call, n.Session.Id, new { Event = NameOf(n.Change), ParticipantId = n.User?.Text, Session = CallSessionAnswer.Of(n.Session) }),
        _ => null,
    };

    private static string NameOf(CallSessionChange change) => JsonNamingPolicy.SnakeCaseLower.ConvertName(change.ToString());

    private static byte[] Write<T>(string type, string prefix, Guid sessionId, T data) => JsonSerializer.SerializeToUtf8Bytes(
        new { Type = type, SessionId = PeerIds.Write(prefix, sessionId), Data = data }, PeerJson.Options);
}
