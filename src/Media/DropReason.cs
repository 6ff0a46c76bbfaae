namespace VoiceCluster.Media;

/// <summary>Why a packet was discarded. Each has a counter in the worker's metrics.</summary>
public enum DropReason
{
    None = 0,

    /// <summary>Neither STUN, DTLS, RTP nor RTCP by its first bytes (RFC 7983 §7), or too short.</summary>
    UnknownProtocol,

    /// <summary>No transport is bound to the source address, or it is one to which nothing can be sent (port 0).</summary>
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

    /// <summary>A relay packet that is too short, too long, or whose fields or Opus payload have no meaning.</summary>
    RelayMalformed,

    /// <summary>A relay packet of a user and channel that no session has.</summary>
    RelayUnknown,

    /// <summary>A relay packet before its session has proved an address.</summary>
    RelayUnproved,

    /// <summary>A relay packet from another address than the proved one.</summary>
    RelayAddress,

    /// <summary>An AudioStart with a wrong session.</summary>
    RelaySession,

    /// <summary>An encrypted relay packet whose tag is wrong, or a plain one in an encrypted session.</summary>
    RelayAuthentication,

    /// <summary>A relay packet that came before, or is older than the replay window.</summary>
    RelayReplay,

    /// <summary>A relay packet too late to be heard.</summary>
    RelayExpired,

    /// <summary>Sound of who is not among the room's top speakers, and that nobody else hears.</summary>
    NotTopSpeaker,

    /// <summary>A packet of Opus that says again that there is silence.</summary>
    Silence,

    /// <summary>Redundant audio (RFC 2198) whose lengths do not add up, or whose blocks are not the producer's Opus.</summary>
    RedMalformed,

    /// <summary>Another worker of the node was too late to take what its part of the room needs.</summary>
    PipeFull,
}
