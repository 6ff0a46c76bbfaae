using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Media.Dtls;

/// <summary>
/// One DTLS 1.2 association over OpenSSL and memory BIOs. Feed datagrams that come from an ICE-validated tuple,
/// then drain <see cref="TakeDatagram"/> and <see cref="TryTakeEvent"/>. One thread at a time.
/// </summary>
public sealed class DtlsConnection : IDisposable
{
    /// <summary>Bytes of the largest datagram made.</summary>
    public const int MaxDatagram = 1200;

    /// <param name="context">Certificate and profiles.</param>
    /// <param name="role">A client has its ClientHello ready at once.</param>
    /// <param name="now">Microseconds.</param>
    /// <param name="remoteFingerprint">What the peer signalled, or null to give it by <see cref="SetRemoteFingerprint"/>; until then the state does not pass <see cref="DtlsState.Connecting"/>.</param>
    public DtlsConnection(DtlsContext context, DtlsRole role, long now, DtlsFingerprint? remoteFingerprint = null) => throw new NotImplementedException();

    /// <summary>The present state.</summary>
    public DtlsState State => throw new NotImplementedException();

    /// <summary>The role given.</summary>
    public DtlsRole Role => throw new NotImplementedException();

    /// <summary>The profile agreed upon, once connected.</summary>
    public SrtpProfile SrtpProfile => throw new NotImplementedException();

    /// <summary>Gives the fingerprint that came by signalling; a handshake already done is checked at once.</summary>
    public void SetRemoteFingerprint(DtlsFingerprint fingerprint) => throw new NotImplementedException();

    /// <summary>Takes one datagram. <see cref="DropReason.DtlsRejected"/> when no record of it was good enough for OpenSSL.</summary>
    public DropReason Receive(ReadOnlySpan<byte> datagram, long now) => throw new NotImplementedException();

    /// <summary>Writes the next datagram to send; 0 when there is none. <paramref name="destination"/> takes <see cref="MaxDatagram"/> bytes at least.</summary>
    public int TakeDatagram(Span<byte> destination) => throw new NotImplementedException();

    /// <summary>When to call <see cref="HandleTimeout"/>; <see cref="long.MaxValue"/> for never.</summary>
    public long NextTimeout => throw new NotImplementedException();

    /// <summary>Retransmits a flight whose answer did not come.</summary>
    public void HandleTimeout(long now) => throw new NotImplementedException();

    /// <summary>Takes the next event, oldest first.</summary>
    public bool TryTakeEvent(out DtlsEventKind kind) => throw new NotImplementedException();

    /// <summary>Makes the SRTP contexts of this association (RFC 5764 §4.2). Only when <see cref="State"/> is Connected.</summary>
    public (SrtpSender Sender, SrtpReceiver Receiver) CreateSrtp() => throw new NotImplementedException();

    /// <summary>Queues close_notify.</summary>
    public void Close() => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
