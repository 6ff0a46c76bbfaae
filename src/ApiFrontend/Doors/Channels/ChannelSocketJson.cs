using System.Text.Json;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>A user in the socket's messages.</summary>
internal sealed record SocketUser(Guid Id, string Username, bool? Mute = null, bool? Deaf = null, bool? Speaking = null);

/// <summary>How to speak over UDP: session and key are 16 bytes in hex.</summary>
internal sealed record SocketUdp(string? Address, int Port, string Session, string Key);

/// <summary>What a client says: <c>{"Name":{…}}</c>, or <c>"Name"</c> without more.</summary>
/// <param name="Name">The message's name.</param>
/// <param name="Body">Its content; undefined without.</param>
internal readonly record struct SocketRequest(string Name, JsonElement Body);

/// <summary>The socket's messages: externally tagged JSON, names as Rust's serde writes them.</summary>
internal static class ChannelSocketJson
{
    /// <summary>Everything that clients may say.</summary>
    public static IReadOnlyList<string> Requests { get; } =
        ["Authenticate", "JoinChannel", "LeaveChannel", "StartAudio", "StopAudio", "SetVoiceState", "Ping"];

    /// <summary>Reads a message; null when it is none.</summary>
    public static SocketRequest? Read(ReadOnlyMemory<byte> utf8)
    {
        using var document = StrictJson.TryParseObject(utf8);
        if (document is null)
        {
            return ReadUnit(utf8.Span);
        }

        using var members = document.RootElement.EnumerateObject();
        if (!members.MoveNext())
        {
            return null;
        }

        var only = members.Current;
        return members.MoveNext() ? null : new SocketRequest(only.Name, only.Value.Clone());
    }

    public static byte[] Authenticated(SocketUser user, string? token, SocketUdp udp) => Write("Authenticated", new { user, token, udp });

    public static byte[] ChannelJoined(ChannelAnswer channel, ChannelMember member, bool resumed) =>
        Write("ChannelJoined", new { channel, users = member.Users, mode = member.Mode, udp = member.Udp, resume_token = member.ResumeToken, resumed });

    public static byte[] MediaMoved(Guid channelId, SocketUdp udp) => Write("MediaMoved", new { channel_id = channelId, udp });

    public static byte[] UserJoined(SocketUser user, Guid channelId) => Write("UserJoined", new { user, channel_id = channelId });

    public static byte[] UserUpdated(SocketUser user, Guid channelId) => Write("UserUpdated", new { user, channel_id = channelId });

    public static byte[] UserLeft(Guid userId, Guid channelId, string? reason = null) => Write("UserLeft", new { user_id = userId, channel_id = channelId, reason });

    public static byte[] Audio(bool started, Guid userId, Guid channelId) =>
        Write(started ? "AudioStarted" : "AudioStopped", new { user_id = userId, channel_id = channelId });

    public static byte[] Speaking(bool started, Guid userId, Guid channelId) =>
        Write(started ? "SpeakingStarted" : "SpeakingStopped", new { user_id = userId, channel_id = channelId });

    public static byte[] Pong() => Write("Pong", new { });

    public static byte[] Error(string code, string message, Guid? channelId = null, double? retryAfter = null) =>
        Write("Error", new { code, message, channel_id = channelId, retry_after = retryAfter });

    /// <summary>A fault in the socket's words.</summary>
    public static byte[] Error(Fault fault, Guid? channelId) => Error(CodeOf(fault.Code), fault.Message, channelId);

    /// <summary>Why somebody is no longer there.</summary>
    public static string ReasonOf(LeaveReason reason) => reason switch
    {
        LeaveReason.Left => "left",
        LeaveReason.ConnectionLost => "connection_lost",
        LeaveReason.DoorLost => "door_lost",
        LeaveReason.MediaLost => "media_lost",
        LeaveReason.Removed => "removed",
        LeaveReason.Moved => "moved",
        _ => "channel_closed",
    };

    private static string CodeOf(FaultCode code) => code switch
    {
        FaultCode.Invalid => "INVALID_MESSAGE",
        FaultCode.Unauthenticated => "UNAUTHENTICATED",
        FaultCode.Forbidden => "FORBIDDEN",
        FaultCode.NotFound => "CHANNEL_NOT_FOUND",
        FaultCode.Conflict => "CONFLICT",
        FaultCode.Full => "CHANNEL_FULL",
        FaultCode.Gone => "GONE",
        FaultCode.Unsupported => "NOT_SUPPORTED",
        _ => "UNAVAILABLE",
    };

    private static SocketRequest? ReadUnit(ReadOnlySpan<byte> utf8)
    {
        var text = utf8.Trim(" \t\r\n"u8);
        if (text.Length is < 3 or > 40 || text[0] != '"' || text[^1] != '"' || text[1..^1].ContainsAnyExceptInRange((byte)'A', (byte)'z'))
        {
            return null;
        }

        return new SocketRequest(System.Text.Encoding.ASCII.GetString(text[1..^1]), default);
    }

    private static byte[] Write<T>(string name, T body) =>
        JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, T> { [name] = body }, ChannelJson.Options);
}
