namespace VoiceCluster.ApiFrontend.Tests.Peers;

/// <summary>The bodies as the WebRTC microservice's document prints them, and those of the routes that came beside them.</summary>
internal static class SeedDocument
{
    public const string Candidate = """{"candidate":"candidate:1234567890 1 udp 2122194687 192.168.1.1 12345 typ host","sdpMid":"0","sdpMLineIndex":0}""";
    public const string Chat = """{"creatorId":"user123","participants":["user456","user789"],"duration":3600000000000,"isGroup":true}""";
    public const string Message = """{"sessionID":"sess_abc123","senderID":"user123","receiverID":"user456","message":"Hello!","type":"text"}""";
    public const string Attachment = """
        {"sessionId":"sess_abc123","messageId":"msg_xyz789","attachment":{"type":"image","url":"https://example.com/image.jpg","name":"vacation.jpg","size":1024000,"mimeType":"image/jpeg"}}
        """;

    public const string Reaction = """
        {"sessionId":"sess_abc123","messageId":"msg_xyz789","reaction":{"type":"👍","userId":"user123","timestamp":"2024-01-29T10:05:00Z"}}
        """;

    public const string Call = """{"creatorId":"user123","type":"video","quality":"high","duration":3600000000000}""";
    public const string Join = """{"sessionId":"call_abc123","participantId":"user456"}""";
    public const string Recording = """{"sessionId":"call_abc123","participantId":"user123"}""";
    public const string Quality = """{"sessionId":"call_abc123","participantId":"user456","quality":85}""";

    /// <summary>Method, path, the document's body, and the fields that may be left out.</summary>
    public static readonly (string Method, string Path, string Body, string[] Optional)[] Endpoints =
    [
        ("POST", "/offer?peerID=P", """{"type":"offer","sdp":"v=0"}""", []),
        ("POST", "/ice-candidate?peerID=P", Candidate, ["sdpMid", "sdpMLineIndex"]),
        ("POST", "/chat/session", Chat, ["duration", "isGroup"]),
        ("POST", "/chat/message", Message, ["receiverID", "type"]),
        ("POST", "/chat/attachment", Attachment, ["attachment.name", "attachment.size", "attachment.mimeType"]),
        ("POST", "/chat/reaction", Reaction, ["reaction.timestamp"]),
        ("DELETE", "/chat/reaction", Reaction, ["reaction.timestamp"]),
        ("POST", "/chat/join", """{"sessionId":"sess_abc123","userId":"user123","participantId":"user999"}""", []),
        ("POST", "/call/session", Call, ["type", "quality", "duration"]),
        ("POST", "/call/join", Join, []),
        ("POST", "/call/leave", Join, []),
        ("POST", "/call/mute", """{"sessionId":"call_abc123","participantId":"user123","targetId":"user456","muted":true}""", ["targetId", "muted"]),
        ("POST", "/call/kick", """{"sessionId":"call_abc123","participantId":"user123","targetId":"user456"}""", []),
        ("POST", "/call/role", """{"sessionId":"call_abc123","participantId":"user123","targetId":"user456","role":"moderator"}""", []),
        ("POST", "/call/recording/start", Recording, []),
        ("POST", "/call/recording/stop", Recording, []),
        ("POST", "/call/quality", Quality, []),
    ];
}
