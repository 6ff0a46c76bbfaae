using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Peers;

/// <summary>What the descriptions of this door's routes share.</summary>
internal static class PeersDocs
{
    public const string Session = "sess_0f3b7c528d1e4a6b9c405e2f7a1b3c04";
    public const string Message = "msg_7d9e2a103b4c4d5e8f601a2b3c4d5e05";
    public const string Call = "call_5a4b28f42b3b4e8c9f0e3d5f0d5e7a11";
    public const string Recording = "rec_1c2d3e4f5a6b4c7d8e9f0a1b2c3d4e5f";
    public const string Sdp = @"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

    public static DoorDocs Door { get; } = DoorDocs.Of(
        "Peers",
        "Peers over SDP, chat sessions and call sessions. Every answer is {status, message, data}, with the HTTP status in status. "
        + "Names of fields have no case. Durations are nanoseconds.",
        PeerJson.Options,
        static (status, _, message) => PeerJson.EnvelopeOf(new PeerError(status, message)));

    /// <summary>A route, with what any of them may answer.</summary>
    public static RouteDocs Of(string id, string summary) => Door.Route(id, summary)
        .Error(400, "INVALID", "the body must be a JSON object")
        .Error(503, "UNAVAILABLE", PeerError.Unavailable.Message);

    /// <summary>A route about something that must exist, live, and concern the caller.</summary>
    public static RouteDocs OfExisting(string id, string summary, string what) => Of(id, summary)
        .Error(403, "FORBIDDEN", $"Not a participant of the {what}.")
        .Error(404, "NOT_FOUND", $"{what} not found")
        .Error(410, "GONE", $"The {what}'s time is over.");

    /// <summary>An envelope around an example.</summary>
    public static string Wrap(string message, string data) => $$"""{"status":200,"message":"{{message}}","data":{{data}}}""";
}
