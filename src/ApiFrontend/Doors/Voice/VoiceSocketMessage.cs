using System.Text.Json;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Doors.Voice;

/// <summary>Somebody in the channel. Who came through another door has no voice session.</summary>
internal sealed record MemberAnswer(
    string ParticipantId, Guid? SessionId, Guid UserId, string Name, string Door, bool Mute, bool Deaf, bool? Speaking, Guid? ChannelId, string? Reason)
{
    public static MemberAnswer Of(ParticipantInfo participant, bool? speaking = null, Guid? channelId = null, string? reason = null) => new(
        participant.ParticipantId,
        participant.Door == "voice" && Guid.TryParse(participant.ParticipantId, out var id) ? id : null,
        participant.UserId,
        participant.DisplayName,
        participant.Door,
        participant.Muted,
        participant.Deafened,
        speaking,
        channelId,
        reason);
}

/// <summary>The session and everybody in its channel; all empty when there is none.</summary>
internal sealed record ChannelAnswer(Guid? SessionId, Guid? ChannelId, bool? Mute, bool? Deaf, MemberAnswer[] Participants);

/// <summary>The messages of <c>/voice/events</c>: <c>{"type","data"}</c>, the types as on the bus.</summary>
internal static class VoiceSocketMessage
{
    private const int MaxType = 64;

    /// <summary>The last message of a server that stops.</summary>
    public static readonly byte[] Restart = """{"type":"voice.server.restart","data":{"message":"This server stops. Connect again."}}"""u8.ToArray();

    /// <summary>A notice as its message.</summary>
    public static byte[]? Write(VoiceNotice notice) => notice switch
    {
        VoiceStateNotice state => Write("voice.state", new ChannelAnswer(
            state.Session?.Id,
            state.Session?.ChannelId,
            state.Session?.Muted,
            state.Session?.Deafened,
            [.. state.Participants.Select(p => MemberAnswer.Of(p, speaking: state.Speaking.Contains(p.ParticipantId)))])),
        VoiceChangedNotice changed => Write(
            $"voice.session.{VoiceJson.Name(changed.Change)}",
            MemberAnswer.Of(changed.Participant, channelId: changed.ChannelId, reason: changed.Reason is { } reason ? VoiceJson.Name(reason) : null)),
        VoiceSpeakingNotice speaking => Write(
            speaking.IsSpeaking ? "voice.speaking.started" : "voice.speaking.stopped",
            MemberAnswer.Of(speaking.Participant, channelId: speaking.ChannelId)),
        VoiceMediaMovedNotice moved => Write("voice.media.moved", new { moved.SessionId }),
        _ => null,
    };

    /// <summary>The answer to what a client says.</summary>
    public static byte[] Reply(ReadOnlyMemory<byte> utf8)
    {
        using var document = StrictJson.TryParseObject(utf8);
        return document is not null && StrictJson.TextOf(document.RootElement, "type", MaxType) == "ping"
            ? """{"type":"pong"}"""u8.ToArray()
            : """{"type":"error","code":"UNKNOWN_TYPE","message":"This connection takes nothing but {\"type\":\"ping\"}."}"""u8.ToArray();
    }

    private static byte[] Write<T>(string type, T data) =>
        JsonSerializer.SerializeToUtf8Bytes(new { Type = type, Data = data }, VoiceJson.Options);
}
