using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using VoiceCluster.ApiFrontend.Ice;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>This door's routes in the OpenAPI document.</summary>
internal static class CallDocs
{
    private const string ChatId = "0198c5a0-6d1e-7c3a-9b52-1f3f6a1b2c01";
    private const string CallId = "0198c5a1-0a44-7e90-8d1b-5c9d3e7f4a02";
    private const string Alice = "5a4b28f4-2b3b-5e8c-9f0e-3d5f0d5e7a11";
    private const string Bob = "c1d0a7c2-7f5e-5b1d-8a3c-6e2b9f4d1b22";

    private const string Ringing = $$"""
        {"id":"{{CallId}}","call_id":"{{CallId}}","chat_id":"{{ChatId}}","caller_id":"{{Alice}}","caller_name":"alice","recipient_id":"{{Bob}}","call_type":"voice",
        "status":"ringing","created_at":"2026-01-01T12:00:00Z","expires_at":"2026-01-01T12:00:30Z",
        "participants":[{"user_id":"{{Alice}}","status":"joined"},{"user_id":"{{Bob}}","status":"ringing"}]}
        """;

    private const string Accepted = $$"""
        {"id":"{{CallId}}","call_id":"{{CallId}}","chat_id":"{{ChatId}}","caller_id":"{{Alice}}","caller_name":"alice","recipient_id":"{{Bob}}","call_type":"voice",
        "status":"accepted","created_at":"2026-01-01T12:00:00Z","expires_at":"2026-01-01T12:00:30Z","answered_at":"2026-01-01T12:00:04Z",
        "participants":[{"user_id":"{{Alice}}","status":"joined"},{"user_id":"{{Bob}}","status":"joined"}]}
        """;

    private const string Ended = $$"""
        {"id":"{{CallId}}","call_id":"{{CallId}}","chat_id":"{{ChatId}}","caller_id":"{{Alice}}","caller_name":"alice","recipient_id":"{{Bob}}","call_type":"voice",
        "status":"ended","created_at":"2026-01-01T12:00:00Z","expires_at":"2026-01-01T12:00:30Z","answered_at":"2026-01-01T12:00:04Z",
        "ended_at":"2026-01-01T12:03:04Z","end_reason":"hung_up","ended_by":"{{Bob}}",
        "participants":[{"user_id":"{{Alice}}","status":"left"},{"user_id":"{{Bob}}","status":"left"}]}
        """;

    private const string Chat = $$"""
        {"id":"{{ChatId}}","created_by":"{{Alice}}","member_ids":["{{Alice}}","{{Bob}}"],"created_at":"2026-01-01T11:59:00Z"}
        """;

    public static DoorDocs Door { get; } = DoorDocs.Of(
        "Calls",
        "One-to-one and group calls with ringing, and the chats that they belong to. Events and the WebRTC negotiation go over the WebSocket /api/v1/ws.",
        CallJson.Options,
        static (_, code, message) => new ErrorAnswer(new ErrorBody(code, message), code == CallError.ActiveCall.Code ? new Guid(CallId) : null));

    public static RouteDocs Start { get; } = Of("startCall", "Call somebody out of a chat")
        .About("Every device of the recipient rings. A recipient in another call makes status busy. recipient_ids calls a group instead of one.")
        .Body<StartCallBody>(
            $$"""{"chat_id":"{{ChatId}}","recipient_id":"{{Bob}}","call_type":"voice"}""",
            ("group", $$"""{"chat_id":"{{ChatId}}","recipient_ids":["{{Bob}}","e2a9b1f0-3c4d-5e6f-8a7b-9c0d1e2f3a33"],"call_type":"video"}"""))
        .Answer<CallAnswer>(201, "The call; it rings, or is busy.", Ringing)
        .Errors(CallError.Invalid("Either recipient_id or recipient_ids must be given."), NotAMember, CallError.ActiveCall);

    public static RouteDocs List { get; } = Of("listCalls", "The calls of a chat, newest first")
        .Query("chat_id", "The chat.", ChatId, required: true, format: "uuid")
        .Query("before", "A call's id or a time (RFC 3339): only calls before it.", "2026-01-01T12:00:00Z")
        .Query("limit", "How many at most, 1 to 100; 50 without it.", "20", format: "integer")
        .Answer<CallPageAnswer>(200, "A page.", $$"""{"calls":[{{Ended}}],"has_more":false}""")
        .Errors(CallError.Invalid("chat_id must be a UUID."), NotAMember);

    public static RouteDocs IceServers { get; } = Of("getIceServers", "STUN and TURN servers for the caller")
        .About("TURN credentials are the caller's own and end after a while when the server has a TURN secret. The answer is an RTCConfiguration.")
        .Answer<IceServersAnswer>(200, "The servers.", $$"""
            {"iceServers":[{"urls":["turn:turn.example.com:3478?transport=udp"],"username":"1767312000:{{Alice}}","credential":"q83vEjRWeJA="},{"urls":["stun:stun.example.com:3478"]}]}
            """);

    public static RouteDocs Get { get; } = OfCall("getCall", "A call as it is now")
        .Answer<CallAnswer>(200, "The call.", Ringing)
        .Errors(CallError.InvalidCallId, NotAParty, NotFound);

    public static RouteDocs Answer { get; } = OfCall("answerCall", "Accept or reject a call")
        .About("Only a recipient. The first device to accept wins; the others of the same user hear call:answered_elsewhere.")
        .Body<AnswerCallBody>("""{"accept":true}""", ("device", """{"accept":true,"device":"phone"}"""))
        .Answer<CallAnswer>(200, "The call after the answer.", Accepted)
        .Errors(CallError.InvalidCallId, CallError.Invalid("accept must be true or false."), NotAParty, NotFound)
        .Error(409, "CALL_ANSWERED", "The call is answered already.")
        .Error(410, "CALL_EXPIRED", "The call is over.");

    public static RouteDocs Hangup { get; } = OfCall("hangUpCall", "Hang up")
        .About("Either party, at any time. On a call that is over nothing changes.")
        .Answer<CallAnswer>(200, "The call after it.", Ended)
        .Errors(CallError.InvalidCallId, NotAParty, NotFound);

    public static RouteDocs CreateChat { get; } = Of("createChat", "Make a chat")
        .About("The caller is a member too.")
        .Body<CreateChatBody>($$"""{"member_ids":["{{Bob}}"]}""")
        .Answer<ChatAnswer>(201, "The chat.", Chat)
        .Errors(CallError.Invalid("member_ids must be a list of UUIDs."));

    public static RouteDocs GetChat { get; } = Of("getChat", "A chat, with its running call")
        .Path("chatId", "The chat's id.", ChatId, "uuid")
        .Answer<ChatAnswer>(200, "The chat.", Chat)
        .Errors(CallError.Invalid("The chat id is not a valid UUID."), NotAMember);

    public static RouteDocs Socket { get; } = Of("openCallSocket", "The WebSocket of calls")
        .About("Messages are {\"type\",\"data\"}: call:initiate and the other events of calls, and call:webrtc:offer, answer and candidate both ways.")
        .Query("device", "A name of the device, the same at each connection; up to 128 characters.", "phone")
        .Query("token", "The token, for clients that can set no header.", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")
        .Answer(101, "The connection is a WebSocket from here on.")
        .Errors(CallError.Invalid("device must be a text of 1 to 128 characters."))
        .Error(426, "WEBSOCKET_REQUIRED", "This address is a WebSocket.");

    private static CallError NotAMember => new(403, "NOT_A_MEMBER", "Not a member of the chat.");

    private static CallError NotAParty => new(403, "NOT_A_MEMBER", "The user has no part in this call.");

    private static CallError NotFound => new(404, "CALL_NOT_FOUND", "There is no such call.");

    /// <summary>Every route may meet a cluster that is away.</summary>
    private static RouteDocs Of(string id, string summary) => Door.Route(id, summary).Errors(CallError.Unavailable);

    private static RouteDocs OfCall(string id, string summary) => Of(id, summary).Path("callId", "The call's id.", CallId, "uuid");

    private static RouteDocs Errors(this RouteDocs docs, params ReadOnlySpan<CallError> errors)
    {
        foreach (var error in errors)
        {
            docs.Error(error.Status, error.Code, error.Message);
        }

        return docs;
    }

    private sealed record StartCallBody(
        Guid ChatId,
        [property: Description("Who is called; this or recipient_ids.")] Guid? RecipientId,
        [property: Description("Who is called in a group.")] Guid[]? RecipientIds,
        [property: AllowedValues("voice", "video")] string CallType);

    private sealed record AnswerCallBody(bool Accept, [property: Description("Which device answers; up to 128 characters.")] string? Device);

    private sealed record CreateChatBody(Guid[] MemberIds);

    private sealed record IceServersAnswer(
        [property: System.Text.Json.Serialization.JsonPropertyName("iceServers")] IceServer[] IceServers);
}
