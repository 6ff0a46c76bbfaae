namespace VoiceCluster.Media;

/// <summary>Why a packet was discarded. Each has a counter in the worker's metrics.</summary>
public enum DropReason
{
    None = 0,

    /// <summary>Neither STUN, DTLS, RTP nor RTCP by its first bytes (RFC 7983 §7), or too short.</summary>
    UnknownProtocol,

    /// <summary>No transport is bound to the source address.</summary>
    UnknownSource,

    /// <summary>STUN that does not parse.</summary>
    StunMalformed,

    /// <summary>STUN without or with a wrong MESSAGE-INTEGRITY or user name.</summary>
    StunUnauthenticated,

    /// <summary>DTLS that does not parse, or from a tuple that ICE did not validate.</summary>
    DtlsRejected,

    /// <summary>Media before DTLS is up.</summary>
    NotConnected,

    /// <summary>SRTP or SRTCP authentication failed.</summary>
    SrtpAuthentication,

    /// <summary>SRTP or SRTCP replayed, or older than the replay window.</summary>
    SrtpReplay,

    /// <summary>SRTP or SRTCP shorter than its header and tag, or with inconsistent lengths.</summary>
    SrtpMalformed,

    /// <summary>More SSRCs than a transport may open.</summary>
    SrtpTooManyStreams,

    /// <summary>RTP that does not parse.</summary>
    RtpMalformed,

    /// <summary>RTCP that does not parse.</summary>
    RtcpMalformed,

    /// <summary>RTP of an SSRC, MID or RID that no producer has.</summary>
    UnknownStream,

    /// <summary>RTP with a payload type that its producer did not declare.</summary>
    UnknownPayloadType,

    /// <summary>The producer is paused or its participant muted.</summary>
    ProducerPaused,

    /// <summary>The consumer waits for a key frame, or the layer is not its current one.</summary>
    ConsumerSkipped,

    /// <summary>A duplicate of a packet already forwarded.</summary>
    Duplicate,

    /// <summary>The send batch or the socket was full.</summary>
    SendFailed,
}
