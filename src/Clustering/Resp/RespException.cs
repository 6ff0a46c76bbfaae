namespace VoiceCluster.Clustering.Resp;

/// <summary>Redis did not do it. When <see cref="IsConnectionLost"/>, nobody knows whether it did.</summary>
public sealed class RespException(string message, bool isConnectionLost, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The server is away, or did not answer; else it refused.</summary>
    public bool IsConnectionLost => isConnectionLost;
}
