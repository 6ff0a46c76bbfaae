using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>This door's routes in the OpenAPI document.</summary>
internal static class VoiceDocs
{
    private const string Session = "0f3b7c52-8d1e-4a6b-9c40-5e2f7a1b3c04";
    private const string Channel = "7d9e2a10-3b4c-4d5e-8f60-1a2b3c4d5e05";
    private const string User = "5a4b28f4-2b3b-5e8c-9f0e-3d5f0d5e7a11";
    private const string Sdp = @"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

    public static DoorDocs Door { get; } = DoorDocs.Of(
        "Voice",
        "Voice channels over REST and SDP: one session a user. Events go over the WebSocket /voice/events.",
        VoiceJson.Options,
        static (_, code, message) => new VoiceErrorAnswer(new VoiceErrorBody(code, message)));

    public static RouteDocs Join { get; } = Of("joinVoice", "Join a voice channel")
        .About("A session that the user has elsewhere ends. The answer says where the media goes; POST /voice/signal negotiates it.")
        .Body<JoinBody>($$"""{"channel_id":"{{Channel}}","mute":false,"deaf":false}""")
        .Answer<JoinAnswer>(200, "The session.", $$"""
            {"session_id":"{{Session}}","channel_id":"{{Channel}}","mute":false,"deaf":false,"server_endpoint":"203.0.113.7:10000",
            "ice_servers":[{"urls":["turn:turn.example.com:3478"],"username":"1767312000:{{User}}","credential":"q83vEjRWeJA="}],
            "ice_candidates":[{"candidate":"candidate:1 1 udp 2130706431 203.0.113.7 10000 typ host","sdpMLineIndex":0,"usernameFragment":"h7Xk"}]}
            """)
        .Error(400, "INVALID_REQUEST", "channel_id must be a UUID.")
        .Error(403, "BANNED", "The user is banned from the channel.")
        .Error(403, "FORBIDDEN", "The token does not grant this channel.")
        .Error(404, "CHANNEL_NOT_FOUND", "There is no such channel.")
        .Error(409, "CHANNEL_FULL", "The channel is full.");

    public static RouteDocs State { get; } = OfSession("setVoiceState", "Mute or deafen oneself")
        .About("The media node enforces it: a muted voice is not forwarded, a deafened user gets nothing. One of the two may be left out.")
        .Body<StateBody>($$"""{"session_id":"{{Session}}","mute":true,"deaf":false}""")
        .Answer<StateAnswer>(200, "The state.", $$"""{"session_id":"{{Session}}","channel_id":"{{Channel}}","user_id":"{{User}}","mute":true,"deaf":false}""")
        .Error(400, "INVALID_REQUEST", "mute and deaf must be true or false, and one of them must be given.");

    public static RouteDocs Leave { get; } = OfSession("leaveVoice", "Leave the channel")
        .Body<SessionBody>($$"""{"session_id":"{{Session}}"}""")
        .Answer(204, "The session is over.")
        .Error(400, "INVALID_REQUEST", "session_id must be a UUID.");

    public static RouteDocs Signal { get; } = OfSession("signalVoice", "Negotiate the media")
        .About("An offer gets an answer: an audio section that only receives is the mix of the others, further ones are slots of the loudest. "
            + "Candidates of clients are not needed, and taken without a word.")
        .Body<SignalBody>(
            $$"""{"session_id":"{{Session}}","type":"offer","sdp":"{{Sdp}}"}""",
            ("ice", $$$"""{"session_id":"{{{Session}}}","type":"ice","candidate":{"candidate":"candidate:1 1 udp 2130706431 192.0.2.5 50000 typ host","sdpMid":"0"}}"""))
        .Answer<SignalAnswer>(200, "To an offer: the answer.", $$"""
            {"session_id":"{{Session}}","type":"answer","sdp":"{{Sdp}}","tracks":[{"mid":"0","source":"mix","stream_id":"mix"}]}
            """)
        .Answer(204, "To a candidate.")
        .Error(400, "INVALID_REQUEST", "type must be offer, answer or ice.")
        .Error(400, "INVALID_SDP", "The offer must bundle its media (RFC 8843).")
        .Error(409, "NO_SERVER_OFFER", "The server has offered nothing that could be answered.")
        .Error(415, "UNSUPPORTED_CODEC", "The offer has no codec in common with the server.");

    public static RouteDocs Events { get; } = Of("openVoiceEvents", "The WebSocket of voice events")
        .About("Who comes, goes, speaks, mutes in the caller's channel.")
        .Query("token", "The token, for clients that can set no header.", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")
        .Answer(101, "The connection is a WebSocket from here on.")
        .Error(426, "WEBSOCKET_REQUIRED", "This address is a WebSocket.");

    private static RouteDocs Of(string id, string summary)
        => Door.Route(id, summary).Error(503, VoiceError.Unavailable.Code, VoiceError.Unavailable.Message);

    private static RouteDocs OfSession(string id, string summary)
        => Of(id, summary).Error(404, VoiceError.SessionNotFound.Code, VoiceError.SessionNotFound.Message);

    private sealed record JoinBody(Guid ChannelId, bool? Mute, bool? Deaf);

    private sealed record StateBody(Guid SessionId, bool? Mute, bool? Deaf);

    private sealed record SessionBody(Guid SessionId);

    private sealed record SignalBody(
        Guid SessionId,
        [property: AllowedValues("offer", "answer", "ice")] string Type,
        [property: Description("With an offer or an answer.")] string? Sdp,
        [property: Description("With ice: an RTCIceCandidate.")] CandidateBody? Candidate);

    private sealed record CandidateBody(
        string Candidate,
        [property: JsonPropertyName("sdpMid")] string? SdpMid,
        [property: JsonPropertyName("sdpMLineIndex")] int? SdpMLineIndex);
}
