using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Chats;

/// <summary>The routes of chat sessions in the OpenAPI document.</summary>
internal static class ChatDocs
{
    private const string Reaction = """{"type":"👍","userId":"user123","timestamp":"2024-01-29T10:05:00Z"}""";

    private const string SessionData = $$"""
        {"id":"{{PeersDocs.Session}}","creatorId":"user123","participants":["user123","user456","user789"],"isGroup":true,"duration":3600000000000,
        "createdAt":"2024-01-29T10:00:00Z","expiresAt":"2024-01-29T11:00:00Z"}
        """;

    private const string MessageData = $$"""
        {"id":"{{PeersDocs.Message}}","sessionId":"{{PeersDocs.Session}}","position":1,"senderId":"user123","receiverId":"user456","message":"Hello!",
        "type":"text","timestamp":"2024-01-29T10:04:00Z",
        "attachments":[{"id":"att_2b3c4d5e6f704a1b8c9d0e1f2a3b4c5d","type":"image","url":"https://example.com/image.jpg","name":"vacation.jpg","size":1024000,"mimeType":"image/jpeg"}],
        "reactions":[{{Reaction}}]}
        """;

    public static RouteDocs Create { get; } = PeersDocs.Of("createChatSession", "Create a chat session")
        .About("The creator is a participant. Without a duration the session has no end.")
        .Body<ChatSessionBody>("""{"creatorId":"user123","participants":["user456","user789"],"duration":3600000000000,"isGroup":true}""")
        .Answer<Envelope<ChatSessionAnswer>>(200, "The session.", PeersDocs.Wrap("chat session created successfully", SessionData))
        .Error(400, "INVALID", "participants must be a list of 1000 users at most")
        .Error(403, "FORBIDDEN", "creatorId is not the token's user");

    public static RouteDocs Join { get; } = OfSession("joinChatSession", "Add a participant to a group")
        .About("A participant (userId) adds another user. One who is in it already stays.")
        .Body<JoinBody>($$"""{"sessionId":"{{PeersDocs.Session}}","userId":"user123","participantId":"user999"}""")
        .Answer<Envelope<ChatSessionAnswer>>(200, "The session.", PeersDocs.Wrap("participant joined successfully", SessionData))
        .Error(409, "CONFLICT", "The chat is no group: nobody can be added.");

    public static RouteDocs Send { get; } = OfSession("sendChatMessage", "Send a message")
        .About("With a messageId of one's own the same request may be repeated; the message is stored once.")
        .Body<MessageBody>($$"""{"sessionID":"{{PeersDocs.Session}}","senderID":"user123","receiverID":"user456","message":"Hello!","type":"text"}""")
        .Answer<Envelope<MessageAnswer>>(200, "The message.", PeersDocs.Wrap("message sent successfully", MessageData))
        .Error(400, "INVALID", "type must be text, image or file")
        .Error(409, "CONFLICT", "The messageId belongs to another message.");

    public static RouteDocs Attach { get; } = OfSession("addChatAttachment", "Add an attachment to a message")
        .Body<AttachmentBody>($$$"""
            {"sessionId":"{{{PeersDocs.Session}}}","messageId":"{{{PeersDocs.Message}}}","attachment":{"type":"image","url":"https://example.com/image.jpg","name":"vacation.jpg","size":1024000,"mimeType":"image/jpeg"}}
            """)
        .Answer<Envelope<MessageAnswer>>(200, "The message.", PeersDocs.Wrap("attachment added successfully", MessageData))
        .Error(400, "INVALID", "attachment.url must be an http or https address")
        .Error(409, "LIMIT", "A message has 20 attachments at most.");

    public static RouteDocs React { get; } = OfSession("addChatReaction", "React to a message")
        .About("One reaction of a kind a user: repeating it changes nothing.")
        .Body<ReactionBody>($$"""{"sessionId":"{{PeersDocs.Session}}","messageId":"{{PeersDocs.Message}}","reaction":{{Reaction}}}""")
        .Answer<Envelope<MessageAnswer>>(200, "The message.", PeersDocs.Wrap("reaction added successfully", MessageData))
        .Error(409, "LIMIT", "A message has 500 reactions at most.");

    public static RouteDocs Unreact { get; } = OfSession("removeChatReaction", "Take a reaction back")
        .About("Removing one that is not there changes nothing.")
        .Body<ReactionBody>($$"""{"sessionId":"{{PeersDocs.Session}}","messageId":"{{PeersDocs.Message}}","reaction":{{Reaction}}}""")
        .Answer<Envelope<MessageAnswer>>(200, "The message.", PeersDocs.Wrap("reaction removed successfully", MessageData));

    public static RouteDocs List { get; } = OfSession("listChatMessages", "The messages of a session")
        .About("Oldest first; the newest page without a cursor. The header X-Has-More says whether there are more in that direction.")
        .Path("sessionId", "The session.", PeersDocs.Session)
        .Query("before", "The page that ends before this message.", PeersDocs.Message)
        .Query("after", "The page that begins after this message.", PeersDocs.Message)
        .Query("limit", "Messages a page, 1 to 500; 100 when it is left out.", "100")
        .Query("userID", "Who reads, in Open mode.", "user123")
        .Answer<Envelope<MessageAnswer[]>>(200, "The page.", PeersDocs.Wrap("messages retrieved successfully", $"[{MessageData}]"))
        .Error(400, "INVALID", "limit must be 1 to 500.");

    public static RouteDocs Usage { get; } = OfSession("getChatUsage", "What a session holds")
        .Path("sessionId", "The session.", PeersDocs.Session)
        .Query("userID", "Who reads, in Open mode.", "user123")
        .Answer<Envelope<UsageAnswer>>(200, "The usage.", PeersDocs.Wrap("usage retrieved successfully", $$"""
            {"sessionId":"{{PeersDocs.Session}}","participants":3,"messages":1,"attachments":1,"reactions":1,"textBytes":6,"createdAt":"2024-01-29T10:00:00Z",
            "lastMessageAt":"2024-01-29T10:04:00Z","expiresAt":"2024-01-29T11:00:00Z","remaining":3300000000000}
            """));

    public static RouteDocs Notifications { get; } = PeersDocs.Of("openChatNotifications", "The WebSocket of notifications")
        .About("Messages, attachments, reactions and joins of the user's chats, and what happens in its calls.")
        .Query("userID", "The user, in Open mode.", "user123")
        .Query("token", "The token, for clients that can set no header.", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")
        .Answer(101, "The connection is a WebSocket from here on.")
        .Error(426, "WEBSOCKET_REQUIRED", PeerError.WebSocketRequired.Message);

    private static RouteDocs OfSession(string id, string summary) => PeersDocs.OfExisting(id, summary, "chat");

    private sealed record ChatSessionBody(
        string[] Participants,
        string? CreatorId = null,
        [property: Description("Nanoseconds.")] long? Duration = null,
        bool? IsGroup = null);

    private sealed record JoinBody(string SessionId, string ParticipantId, string? UserId = null);

    private sealed record MessageBody(
        [property: System.Text.Json.Serialization.JsonPropertyName("sessionID")] string SessionId,
        string Message,
        [property: System.Text.Json.Serialization.JsonPropertyName("senderID")] string? SenderId = null,
        [property: System.Text.Json.Serialization.JsonPropertyName("receiverID")] string? ReceiverId = null,
        [property: AllowedValues("text", "image", "file")] string? Type = null,
        [property: System.Text.Json.Serialization.JsonPropertyName("messageID")] string? MessageId = null);

    private sealed record AttachmentBody(string SessionId, string MessageId, AttachmentPart Attachment, string? UserId = null);

    private sealed record AttachmentPart(
        string Type,
        string Url,
        string? Id = null,
        string? Name = null,
        long? Size = null,
        string? MimeType = null);

    private sealed record ReactionBody(string SessionId, string MessageId, ReactionPart Reaction);

    private sealed record ReactionPart(string Type, string? UserId = null, DateTime? Timestamp = null);
}
