namespace VoiceCluster.Media.Routing;

/// <summary>How a room's sound flows.</summary>
/// <param name="Totals">Sums since the router was made.</param>
/// <param name="Lost">Packets of the present voices that did not arrive.</param>
/// <param name="Expected">Packets of the present voices that should have.</param>
/// <param name="JitterMilliseconds">Mean of the present voices.</param>
/// <param name="Voices">How many these are.</param>
/// <param name="RoundTrips">Milliseconds between here and each client that has measured it, ascending.</param>
/// <param name="Clients">Their transports now.</param>
public readonly record struct RouterAudio(
    RouterTotals Totals, long Lost, long Expected, double JitterMilliseconds, int Voices, double[] RoundTrips, int Clients)
{
    /// <summary>The same of the parts of one room.</summary>
    public static RouterAudio Sum(IReadOnlyCollection<RouterAudio> parts)
    {
        var totals = default(RouterTotals);
        foreach (var part in parts)
        {
            totals.Add(part.Totals);
        }

        var voices = parts.Sum(p => p.Voices);
        return new RouterAudio(
            totals,
            parts.Sum(p => p.Lost),
            parts.Sum(p => p.Expected),
            voices == 0 ? 0 : parts.Sum(p => p.JitterMilliseconds * p.Voices) / voices,
            voices,
            [.. parts.SelectMany(p => p.RoundTrips).Order()],
            parts.Sum(p => p.Clients));
    }

    /// <summary>The round trip that a share of the clients does not exceed; 0 while nobody has measured one.</summary>
    public double RoundTripOf(double share) =>
        RoundTrips.Length == 0 ? 0 : RoundTrips[Math.Min(RoundTrips.Length - 1, (int)(share * RoundTrips.Length))];
}

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

    /// <summary>Adds another sum.</summary>
    internal void Add(in RouterTotals other)
    {
        PacketsReceived += other.PacketsReceived;
        BytesReceived += other.BytesReceived;
        PacketsSent += other.PacketsSent;
        BytesSent += other.BytesSent;
        Dropped += other.Dropped;
        Expired += other.Expired;
    }

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
