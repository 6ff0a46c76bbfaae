namespace VoiceCluster.Media.Routing;

/// <summary>How a room's sound flows.</summary>
/// <param name="Totals">Sums since the router was made.</param>
/// <param name="Lost">Packets of the present voices that did not arrive.</param>
/// <param name="Expected">Packets of the present voices that should have.</param>
/// <param name="JitterMilliseconds">Mean of the present voices.</param>
/// <param name="RoundTripP50">Milliseconds between here and the clients, their median.</param>
/// <param name="RoundTripP99">99 of 100 have less.</param>
/// <param name="Transports">Transports now.</param>
public readonly record struct RouterAudio(
    RouterTotals Totals, long Lost, long Expected, double JitterMilliseconds, double RoundTripP50, double RoundTripP99, int Transports);

/// <summary>Sums of <see cref="TransportStats"/> of one router.</summary>
public struct RouterTotals
{
    /// <summary>Packets from clients.</summary>
    public long PacketsReceived { get; private set; }

    /// <summary>Bytes of them.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>Packets to clients.</summary>
    public long PacketsSent { get; private set; }

    /// <summary>Bytes of them.</summary>
    public long BytesSent { get; private set; }

    /// <summary>Packets dropped, whatever the reason.</summary>
    public long Dropped { get; private set; }

    /// <summary>Of these, relay packets that came too late.</summary>
    public long Expired { get; private set; }

    /// <summary>Adds one transport.</summary>
    internal void Add(TransportStats stats)
    {
        PacketsReceived += stats.RtpPacketsReceived;
        BytesReceived += stats.RtpBytesReceived;
        PacketsSent += stats.RtpPacketsSent;
        BytesSent += stats.RtpBytesSent;
        foreach (var drops in stats.Drops)
        {
            Dropped += drops;
        }

        Expired += stats.Dropped(DropReason.RelayExpired);
    }
}
