namespace VoiceCluster.Media.Net;

/// <summary>A UDP port that belongs to one transport. The worker's thread uses it; what comes in is given to the worker.</summary>
public interface IPlainPort
{
    /// <summary>The address as the other end reaches it.</summary>
    TransportAddress Local { get; }

    /// <summary>Sends at once; false when the system did not take the datagram.</summary>
    bool TrySend(ReadOnlySpan<byte> datagram, in TransportAddress destination);

    /// <summary>Frees the port.</summary>
    void Close();
}
