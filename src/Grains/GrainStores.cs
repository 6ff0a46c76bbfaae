namespace VoiceCluster.Grains;

/// <summary>Names of the grain storage providers that a silo must offer.</summary>
public static class GrainStores
{
    /// <summary>Rooms: membership that may be lost with the whole cluster, and is rebuilt by reconnecting clients.</summary>
    public const string Rooms = "rooms";
}
