using System.Text.Json;
using System.Text.Json.Serialization;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.ApiFrontend.Ice;
using VoiceCluster.Media.Sdp;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>What <c>RTCPeerConnection.addIceCandidate</c> takes (W3C WebRTC §4.8.1), with its own names.</summary>
internal sealed record CandidateAnswer(
    [property: JsonPropertyName("candidate")] string Candidate,
    [property: JsonPropertyName("sdpMLineIndex")] int SdpMLineIndex,
    [property: JsonPropertyName("usernameFragment")] string UsernameFragment);

/// <summary>The answer to a join.</summary>
internal sealed record JoinAnswer(
    Guid SessionId,
    Guid ChannelId,
    bool Mute,
    bool Deaf,
    string ServerEndpoint,
    IceServer[] IceServers,
    CandidateAnswer[] IceCandidates)
{
    public static JoinAnswer Of(VoiceSessionInfo session, SdpServerTransport transport, IceServer[] iceServers)
    {
        var first = transport.Candidates[0];
        var host = first.Address.Contains(':', StringComparison.Ordinal) ? $"[{first.Address}]" : first.Address;
        return new JoinAnswer(
            session.Id,
            session.ChannelId,
            session.Muted,
            session.Deafened,
            $"{host}:{first.Port}",
            iceServers,
            [.. transport.Candidates.Select(c => new CandidateAnswer(c.Value, 0, transport.IceUsernameFragment))]);
    }
}

/// <summary>A session's state.</summary>
internal sealed record StateAnswer(Guid SessionId, Guid ChannelId, Guid UserId, bool Mute, bool Deaf)
{
    public static StateAnswer Of(VoiceSessionInfo session) =>
        new(session.Id, session.ChannelId, session.UserId, session.Muted, session.Deafened);
}

/// <summary>What a section of the answer carries to the client: <c>mix</c>, or <c>loudest</c> in a slot.</summary>
internal sealed record TrackAnswer(string Mid, string Source, string StreamId);

/// <summary>The answer to an offer, as <c>setRemoteDescription</c> takes it, and what its tracks are.</summary>
internal sealed record SignalAnswer(Guid SessionId, string Type, string Sdp, TrackAnswer[] Tracks);

/// <summary>The inner part of an error.</summary>
internal sealed record VoiceErrorBody(string Code, string Message);

/// <summary>An error: <c>{"error":{"code","message"}}</c>.</summary>
internal sealed record VoiceErrorAnswer(VoiceErrorBody Error);

/// <summary>JSON as this door writes it: snake_case, no nulls.</summary>
internal static class VoiceJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>An enum's value as the wire has it.</summary>
    public static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static IResult Answer<T>(T value) => Results.Json(value, Options);

    public static IResult Error(VoiceError error) =>
        Results.Json(new VoiceErrorAnswer(new VoiceErrorBody(error.Code, error.Message)), Options, statusCode: error.Status);
}

/// <summary>An error of this door.</summary>
internal sealed record VoiceError(int Status, string Code, string Message)
{
    public static VoiceError SessionNotFound { get; } = new(404, "SESSION_NOT_FOUND", "The session does not exist.");

    public static VoiceError Unavailable { get; } = new(503, "UNAVAILABLE", "The cluster cannot do this now. Try again.");

    public static VoiceError Invalid(string message) => new(400, "INVALID_REQUEST", message);

    /// <summary>What is wrong with an offer.</summary>
    public static VoiceError Of(SdpFault fault) => fault.Kind == SdpFaultKind.NoCommonCodec
        ? new(415, "UNSUPPORTED_CODEC", fault.Message)
        : new(400, "INVALID_SDP", fault.Message);

    /// <summary>A fault of the grains on the way into a channel.</summary>
    public static VoiceError OfJoin(Fault fault) => fault.Code switch
    {
        FaultCode.NotFound => new(404, "CHANNEL_NOT_FOUND", fault.Message),
        FaultCode.Full => new(409, "CHANNEL_FULL", fault.Message),
        FaultCode.Forbidden => new(403, "BANNED", fault.Message),
        _ => Of(fault),
    };

    /// <summary>A fault of the grains about a session.</summary>
    public static VoiceError Of(Fault fault) => fault.Code switch
    {
        FaultCode.Invalid => Invalid(fault.Message),
        FaultCode.Unauthenticated => new(401, "UNAUTHENTICATED", fault.Message),
        FaultCode.Forbidden => new(403, "FORBIDDEN", fault.Message),
        FaultCode.NotFound => SessionNotFound,
        FaultCode.Conflict => new(409, "CONFLICT", fault.Message),
        FaultCode.Full => new(409, "LIMIT_REACHED", fault.Message),
        FaultCode.Gone => new(410, "GONE", fault.Message),
        FaultCode.Unsupported => new(501, "NOT_SUPPORTED", fault.Message),
        _ => Unavailable with { Message = fault.Message },
    };
}
