using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Ice;

/// <summary>
/// The lite side of ICE (RFC 8445 §2.5) for one transport: always controlled, host candidates only, never sends a request.
/// Bytes and time in, bytes and events out.
/// </summary>
public sealed class IceLiteAgent
{
    /// <summary>Microseconds without an authenticated request after which consent is gone (RFC 7675 §5.1).</summary>
    public const long ConsentLifetime = 30_000_000;

    /// <summary>Tuples that one agent keeps.</summary>
    public const int MaxTuples = 8;

    /// <param name="local">Own credentials, given to the remote side.</param>
    /// <param name="remoteUsernameFragment">The remote side's fragment, or null when it is not signalled (mediasoup).</param>
    public IceLiteAgent(IceCredentials local, string? remoteUsernameFragment = null) => throw new NotImplementedException();

    /// <summary>The credentials to hand out: those of the last <see cref="Restart"/>.</summary>
    public IceCredentials Local => throw new NotImplementedException();

    /// <summary>The present state.</summary>
    public IceState State => throw new NotImplementedException();

    /// <summary>Where to send; meaningless in <see cref="IceState.New"/> and <see cref="IceState.Disconnected"/>.</summary>
    public TransportAddress SelectedTuple => throw new NotImplementedException();

    /// <summary>Whether DTLS and SRTP may be taken from this address.</summary>
    public bool IsValidTuple(in TransportAddress address) => throw new NotImplementedException();

    /// <summary>Handles a STUN datagram. <paramref name="response"/> takes 256 bytes at least; send its first <paramref name="responseLength"/> bytes back to <paramref name="from"/> when not 0.</summary>
    public StunVerdict Process(ReadOnlySpan<byte> datagram, in TransportAddress from, long now, Span<byte> response, out int responseLength) => throw new NotImplementedException();

    /// <summary>New credentials; the old stay good until the new are used (RFC 8445 §9).</summary>
    public IceCredentials Restart() => throw new NotImplementedException();

    /// <summary>When to call <see cref="HandleTimeout"/>, in microseconds; <see cref="long.MaxValue"/> when there is nothing to wait for.</summary>
    public long NextTimeout => throw new NotImplementedException();

    /// <summary>Expires tuples and consent.</summary>
    public void HandleTimeout(long now) => throw new NotImplementedException();

    /// <summary>Takes the next event, oldest first. Drain after every <see cref="Process"/> and <see cref="HandleTimeout"/>.</summary>
    public bool TryTakeEvent(out IceEvent item) => throw new NotImplementedException();

    /// <summary>The local fragment of a binding request's USERNAME, by which a worker finds the transport of a new address.</summary>
    public static bool TryGetLocalUfrag(ReadOnlySpan<byte> datagram, out ReadOnlySpan<byte> ufrag) => throw new NotImplementedException();
}
