namespace VoiceCluster.Media.Net;

/// <summary>A UDP port that belongs to one transport. The worker's thread uses it; what comes in is given to the worker, and what is sent may wait for the end of the worker's batch.</summary>
public interface IPlainPort : IDatagramSink
{
    /// <summary>The address as the other end reaches it.</summary>
    TransportAddress Local { get; }

    /// <summary>Sends what waits and frees the port.</summary>
    void Close();
}
