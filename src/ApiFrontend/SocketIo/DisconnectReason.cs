namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>Why a socket or its connection ended.</summary>
public enum DisconnectReason
{
    /// <summary>The client left the namespace.</summary>
    ClientDisconnect,

    /// <summary>The server removed the socket.</summary>
    ServerDisconnect,

    /// <summary>The connection ended without a word; the client may come back.</summary>
    TransportClose,

    /// <summary>The connection broke; the client may come back.</summary>
    TransportError,

    /// <summary>The client did not read what it was sent; it may come back.</summary>
    Backpressure,

    /// <summary>The client's page is gone (WebSocket close 1001, RFC 6455 §7.4.1).</summary>
    GoingAway,

    /// <summary>The client answered no ping.</summary>
    PingTimeout,

    /// <summary>The client broke the protocol or a bound.</summary>
    ParseError,

    /// <summary>The client joined no namespace in time.</summary>
    ConnectTimeout,

    /// <summary>The server stops.</summary>
    ServerShutdown,
}

internal static class DisconnectReasons
{
    /// <summary>Whether a client that lost its connection so may go on with its socket.</summary>
    public static bool IsRecoverable(this DisconnectReason reason)
        => reason is DisconnectReason.TransportClose or DisconnectReason.TransportError or DisconnectReason.Backpressure;
}
