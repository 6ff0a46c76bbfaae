using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Signaling;

/// <summary>The routes of peers in the OpenAPI document.</summary>
internal static class PeerDocs
{
    public static RouteDocs Offer { get; } = WithPeer(PeersDocs.Of("offerPeer", "Join a room with an SDP offer"))
        .About("One receiving audio section hears the mix of the others, more are slots of the loudest. With /ws open, each track of others "
            + "is offered by the server in a section of its own. Candidates are in the answer.")
        .Body<OfferBody>($$"""{"type":"offer","sdp":"{{PeersDocs.Sdp}}"}""")
        .Answer<Envelope<DescriptionAnswer>>(200, "The answer.", PeersDocs.Wrap("answer created successfully", $$"""
            {"type":"answer","sdp":"{{PeersDocs.Sdp}}","peerId":"P","room":"lobby","tracks":[{"mid":"0","kind":"audio","source":"mix","streamId":"mix","participantId":null,"userId":null,"name":null}]}
            """))
        .Error(400, "INVALID_SDP", "The offer must bundle its media (RFC 8843).")
        .Error(403, "FORBIDDEN", "the token does not grant this room")
        .Error(404, "NOT_FOUND", "There is no such call.")
        .Error(409, "FULL", "The room is full: 200 participants.")
        .Error(410, "GONE", "The call is over.")
        .Error(415, "UNSUPPORTED_CODEC", "The offer has no codec in common with the server.");

    public static RouteDocs Leave { get; } = WithPeer(Of("leavePeer", "Leave the room"))
        .Answer<EmptyEnvelope>(200, "The peer is out.", PeersDocs.Wrap("peer left successfully", "null"));

    public static RouteDocs Candidate { get; } = WithPeer(PeersDocs.Of("addPeerCandidate", "Add an ICE candidate"))
        .About("The server is ICE-lite and needs none; it checks that it is one and that the peer is there.")
        .Body<CandidateBody>("""{"candidate":"candidate:1234567890 1 udp 2122194687 192.168.1.1 12345 typ host","sdpMid":"0","sdpMLineIndex":0}""")
        .Answer<EmptyEnvelope>(200, "Taken.", PeersDocs.Wrap("ICE candidate added successfully", "null"))
        .Error(404, "NOT_FOUND", "There is no such peer in any room.");

    public static RouteDocs Socket { get; } = WithPeer(Of("openPeerSocket", "The WebSocket of a peer"))
        .About("Offers of the server for new tracks, answered with {\"type\":\"answer\",\"sdp\"}; who comes, goes and speaks.")
        .Query("token", "The token, for clients that can set no header.", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")
        .Answer(101, "The connection is a WebSocket from here on.")
        .Error(426, "WEBSOCKET_REQUIRED", PeerError.WebSocketRequired.Message);

    private static RouteDocs Of(string id, string summary) => PeersDocs.Of(id, summary);

    private static RouteDocs WithPeer(RouteDocs docs) => docs
        .Query("peerID", "The client's own name for itself. Another user's peer of the same name is another one.", "P", required: true)
        .Query("room", "The room; lobby when it is left out.", "lobby");

    private sealed record OfferBody([property: AllowedValues("offer")] string Type, string Sdp);

    private sealed record CandidateBody(
        string Candidate,
        [property: JsonPropertyName("sdpMid")] string? SdpMid,
        [property: JsonPropertyName("sdpMLineIndex"), Description("Which media section.")] int? SdpMLineIndex);
}
