namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>Audio or video.</summary>
public enum MediaKind
{
    Audio = 0,
    Video = 1,
}

/// <summary>Which way a header extension may go, seen from the router (mediasoup's direction).</summary>
public enum HeaderExtensionDirection
{
    SendRecv = 0,
    SendOnly = 1,
    RecvOnly = 2,
    Inactive = 3,
}
