namespace VoiceCluster.Grains;

/// <summary>Names of the grain storage providers that a silo must offer.</summary>
public static class GrainStores
{
    /// <summary>Rooms: membership that may be lost with the whole cluster, and is rebuilt by reconnecting clients.</summary>
    public const string Rooms = "rooms";

    /// <summary>Calls: durable, with their events.</summary>
    public const string Calls = "calls";

    /// <summary>Chats: durable.</summary>
    public const string Chats = "chats";

    /// <summary>Users: which call each is in. A lost row costs no call, only the protection from a second one.</summary>
    public const string Users = "users";

    /// <summary>Channels and their directory: durable.</summary>
    public const string Channels = "channels";

    /// <summary>Call sessions: durable, with their events.</summary>
    public const string CallSessions = "call-sessions";

    /// <summary>Recordings and the index of their files: durable, with their events.</summary>
    public const string Recordings = "recordings";

    /// <summary>Peers: what was negotiated with them. It may be lost with the whole cluster; they offer again.</summary>
    public const string Peers = "peers";

    /// <summary>Voice sessions and their users: durable with their events, so that a crash leaves no session that never ended.</summary>
    public const string VoiceSessions = "voice-sessions";
}
