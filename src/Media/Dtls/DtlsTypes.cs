namespace VoiceCluster.Media.Dtls;

/// <summary>Which side of the handshake a connection plays.</summary>
public enum DtlsRole : byte
{
    /// <summary>Waits for a ClientHello (a=setup:passive).</summary>
    Server,

    /// <summary>Sends the ClientHello (a=setup:active).</summary>
    Client,
}

/// <summary>How far a connection has come.</summary>
public enum DtlsState : byte
{
    /// <summary>Handshake not finished, or finished while the remote fingerprint is not known yet.</summary>
    Connecting,

    /// <summary>Handshake finished, the peer's certificate has the right fingerprint, SRTP keys are there.</summary>
    Connected,

    /// <summary>Closed by either side's close_notify.</summary>
    Closed,

    /// <summary>Ended for good: wrong fingerprint, no common SRTP profile, or no handshake in time.</summary>
    Failed,
}

/// <summary>What happened inside a connection.</summary>
public enum DtlsEventKind : byte
{
    /// <summary>SRTP keys may be taken.</summary>
    Connected,

    /// <summary>One handshake attempt was given up; the connection waits for, or begins, the next.</summary>
    HandshakeFailed,

    /// <summary>The peer's certificate is not the one signalled: the transport must be closed.</summary>
    FingerprintMismatch,

    /// <summary>The handshake ended without an SRTP profile.</summary>
    NoSrtpProfile,

    /// <summary>No handshake within its time.</summary>
    HandshakeTimedOut,

    /// <summary>The peer said close_notify.</summary>
    ClosedByPeer,
}
