namespace VoiceCluster.Media.Relay;

/// <summary>
/// Which worker has a channel's room: the last four bytes of the channel's id, modulo the workers that have the relay port.
/// The kernel computes the same of each datagram, so that it comes in where its room is and no thread hands it on.
/// </summary>
public static class RelaySteering
{
    /// <summary>Where in a packet the four bytes are.</summary>
    public const int Offset = 28;

    /// <summary>The worker of a channel.</summary>
    public static int WorkerOf(Guid channel, int workers) => (int)((uint)RelayIdentity.ToBytes(channel) % (uint)workers);
}
