namespace VoiceCluster.Media.Relay;

/// <summary>What a worker knows of its relay port.</summary>
public sealed record RelaySettings
{
    /// <summary>Bytes of the longest datagram taken. Default 1,500.</summary>
    public int MaxPacketSize { get; init; } = 1_500;

    /// <summary>µs by which a packet may be behind the newest of its sender; older ones are expired. Default 500 ms.</summary>
    public long MaxAge { get; init; } = 500_000;

    /// <summary>µs without a packet after which an address must be proved again. Default 30 s, as ICE consent (RFC 7675 §5.1).</summary>
    public long Silence { get; init; } = 30_000_000;

    /// <summary>Bits a second below which no sender is advised to go. Default 12,000.</summary>
    public int MinBitrate { get; init; } = 12_000;

    /// <summary>Bits a second above which no sender is advised to go. Default 64,000.</summary>
    public int MaxBitrate { get; init; } = 64_000;
}

/// <summary>One client's way in, as control makes it.</summary>
/// <param name="Id">The transport's id.</param>
/// <param name="Identity">Whose packets, in which channel.</param>
/// <param name="Session">The 16 bytes with which the client proves its address.</param>
/// <param name="Key">The 16 bytes of its key.</param>
public sealed record RelayCredentials(string Id, RelayIdentity Identity, byte[] Session, byte[] Key)
{
    /// <summary>Bytes of a session.</summary>
    public const int SessionLength = 16;
}
