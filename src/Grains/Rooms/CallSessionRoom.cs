using VoiceCluster.Abstractions.CallSessions;

namespace VoiceCluster.Grains.Rooms;

/// <summary>Rooms named as call sessions are, <c>call_</c> and 32 hexadecimal digits: they are open to the session's participants.</summary>
public static class CallSessionRoom
{
    private const string Prefix = "call_";

    /// <summary>The session of a room. Any other spelling is an ordinary name.</summary>
    public static bool TryParse(string room, out Guid sessionId)
    {
        sessionId = default;
        return room.StartsWith(Prefix, StringComparison.Ordinal)
            && Guid.TryParseExact(room.AsSpan(Prefix.Length), "N", out sessionId)
            && room == CallSessionInfo.RoomOf(sessionId);
    }
}
