using System.Security.Cryptography;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Ice;

/// <summary>A user name fragment and password of one side (RFC 8839 §5.4), in ICE characters.</summary>
public readonly record struct IceCredentials(string UsernameFragment, string Password)
{
    private const string IceChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>
    /// New random credentials: 16 characters of fragment, because workers route by it, and 32 of password.
    /// RFC 8445 §5.3 wants 24 and 128 random bits at least; these have 95 and 190.
    /// </summary>
    public static IceCredentials Create()
    {
        var both = RandomNumberGenerator.GetString(IceChars, 16 + 32);
        return new IceCredentials(both[..16], both[16..]);
    }
}

/// <summary>How far a lite agent has come.</summary>
public enum IceState : byte
{
    /// <summary>No authenticated request yet.</summary>
    New,

    /// <summary>A tuple is validated, none is nominated.</summary>
    Connected,

    /// <summary>A tuple is nominated.</summary>
    Completed,

    /// <summary>No consent for <see cref="IceLiteAgent.ConsentLifetime"/>. A fresh request brings the agent back.</summary>
    Disconnected,
}

/// <summary>What became of a STUN datagram.</summary>
public enum StunVerdict : byte
{
    /// <summary>Does not parse: drop, <see cref="DropReason.StunMalformed"/>. Nothing to send.</summary>
    Malformed,

    /// <summary>Not proved by the password: <see cref="DropReason.StunUnauthenticated"/>. A response may still be there, never longer than the request.</summary>
    Unauthenticated,

    /// <summary>Well-formed but of no concern: an indication, a response to nothing.</summary>
    Ignored,

    /// <summary>Authenticated, but refused with an error response (role conflict, unknown attribute).</summary>
    Refused,

    /// <summary>Authenticated and answered; the source is a valid tuple now.</summary>
    Accepted,
}

/// <summary>What happened inside an agent.</summary>
public enum IceEventKind : byte
{
    /// <summary>The state is now <see cref="IceEvent.State"/>.</summary>
    StateChanged,

    /// <summary><see cref="IceEvent.Address"/> may now send DTLS and SRTP: map it to the transport.</summary>
    TupleAdded,

    /// <summary><see cref="IceEvent.Address"/> may no longer: unmap it.</summary>
    TupleRemoved,

    /// <summary>Send to <see cref="IceEvent.Address"/> from now on.</summary>
    TupleSelected,

    /// <summary>The remote side uses the credentials of the last <see cref="IceLiteAgent.Restart"/>; the old fragment can be unmapped.</summary>
    RestartCompleted,
}

/// <summary>One event of an agent, taken by <see cref="IceLiteAgent.TryTakeEvent"/>.</summary>
public readonly record struct IceEvent(IceEventKind Kind, IceState State, TransportAddress Address);
