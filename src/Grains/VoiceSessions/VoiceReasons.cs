using System.Text.Json;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>The words of events for why a session ended.</summary>
internal static class VoiceReasons
{
    /// <summary>snake_case: left, media_lost, room_closed.</summary>
    public static string NameOf(LeaveReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());
}
