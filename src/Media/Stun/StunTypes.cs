namespace VoiceCluster.Media.Stun;

/// <summary>The two class bits of a STUN message type (RFC 8489 §5).</summary>
public enum StunClass : byte
{
    /// <summary>Wants a response.</summary>
    Request = 0,

    /// <summary>Wants none.</summary>
    Indication = 1,

    /// <summary>Answers a request well.</summary>
    SuccessResponse = 2,

    /// <summary>Answers a request with ERROR-CODE.</summary>
    ErrorResponse = 3,
}

/// <summary>Attribute types used here (IANA "STUN Attributes").</summary>
public enum StunAttribute : ushort
{
    /// <summary>RFC 8489 §14.1.</summary>
    MappedAddress = 0x0001,

    /// <summary>RFC 8489 §14.3.</summary>
    Username = 0x0006,

    /// <summary>RFC 8489 §14.5: HMAC-SHA1 over what stands before it.</summary>
    MessageIntegrity = 0x0008,

    /// <summary>RFC 8489 §14.8.</summary>
    ErrorCode = 0x0009,

    /// <summary>RFC 8489 §14.13.</summary>
    UnknownAttributes = 0x000A,

    /// <summary>RFC 8489 §14.9.</summary>
    Realm = 0x0014,

    /// <summary>RFC 8489 §14.10.</summary>
    Nonce = 0x0015,

    /// <summary>RFC 8489 §14.6, known so that it is not refused, not used.</summary>
    MessageIntegritySha256 = 0x001C,

    /// <summary>RFC 8489 §14.2.</summary>
    XorMappedAddress = 0x0020,

    /// <summary>RFC 8445 §16.1.</summary>
    Priority = 0x0024,

    /// <summary>RFC 8445 §16.1.</summary>
    UseCandidate = 0x0025,

    /// <summary>draft-thatcher-ice-renomination-01 §3 as libwebrtc sends it. It lies in the comprehension-required half, so it must be known.</summary>
    Nomination = 0x0030,

    /// <summary>RFC 8489 §14.14.</summary>
    Software = 0x8022,

    /// <summary>RFC 8489 §14.7.</summary>
    Fingerprint = 0x8028,

    /// <summary>RFC 8445 §16.1.</summary>
    IceControlled = 0x8029,

    /// <summary>RFC 8445 §16.1.</summary>
    IceControlling = 0x802A,
}

/// <summary>Error codes used here (RFC 8489 §14.8, RFC 8445 §16.2).</summary>
public enum StunError : ushort
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>The request lacks USERNAME or MESSAGE-INTEGRITY.</summary>
    BadRequest = 400,

    /// <summary>The user name or the integrity is wrong.</summary>
    Unauthenticated = 401,

    /// <summary>A comprehension-required attribute is not known.</summary>
    UnknownAttribute = 420,

    /// <summary>Both sides say that they are controlling.</summary>
    RoleConflict = 487,
}

/// <summary>Fixed numbers of the wire format.</summary>
public static class StunFormat
{
    /// <summary>Type, length, cookie and transaction id (RFC 8489 §5).</summary>
    public const int HeaderSize = 20;

    /// <summary>Bytes of the transaction id.</summary>
    public const int TransactionIdSize = 12;

    /// <summary>RFC 8489 §5.</summary>
    public const uint MagicCookie = 0x2112A442;

    /// <summary>The only method that ICE uses (RFC 8489 §18.2).</summary>
    public const ushort BindingMethod = 0x001;

    /// <summary>XORed onto the CRC-32 of FINGERPRINT (RFC 8489 §14.7).</summary>
    internal const uint FingerprintXor = 0x5354554E;

    /// <summary>Bytes of a MESSAGE-INTEGRITY value.</summary>
    internal const int IntegritySize = 20;
}
