using VoiceCluster.Media;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.LoadTest.Media;

/// <summary>The other end of a plain transport: RTP or SRTP over UDP, with keys that the signalling has exchanged.</summary>
internal sealed class PlainLink : MediaLink
{
    private readonly SrtpSender? _sender;
    private readonly SrtpReceiver? _receiver;
    private long _refused;

    /// <summary>Opens a socket towards a plain transport.</summary>
    /// <param name="loop">Whose link it is to be.</param>
    /// <param name="server">Where the transport receives.</param>
    /// <param name="own">The key with which this end sends; null for RTP in the clear.</param>
    /// <param name="theirs">The key with which the server sends, likewise.</param>
    public PlainLink(MediaLoop loop, in TransportAddress server, SrtpParameters? own, SrtpParameters? theirs)
        : base(loop, server)
    {
        if (own is null || theirs is null)
        {
            return;
        }

        if (!own.TryRead(out var ownProfile, out var ownKey) || !theirs.TryRead(out var profile, out var key))
        {
            throw new InvalidOperationException("The server's srtpParameters cannot be read.");
        }

        _sender = new SrtpSender(ownProfile, ownKey.AsSpan(0, ownProfile.KeyLength()), ownKey.AsSpan(ownProfile.KeyLength()));
        _receiver = new SrtpReceiver(profile, key.AsSpan(0, profile.KeyLength()), key.AsSpan(profile.KeyLength()));
    }

    /// <inheritdoc/>
    public override bool IsConnected => true;

    /// <inheritdoc/>
    protected override long PacketsRefused => _refused;

    /// <inheritdoc/>
    protected override long AdvanceProtocol(long now) => long.MaxValue;

    /// <inheritdoc/>
    protected override void Receive(Span<byte> datagram, long now)
    {
        var kind = DatagramKinds.Classify(datagram);
        var length = datagram.Length;
        var isRtp = kind == DatagramKind.Rtp;
        if ((!isRtp && kind != DatagramKind.Rtcp)
            || (_receiver is not null && (isRtp ? _receiver.UnprotectRtp(datagram, out length) : _receiver.UnprotectRtcp(datagram, out length)) != DropReason.None))
        {
            _refused++;
        }
        else if (isRtp)
        {
            OnRtp(datagram[..length], now);
        }
        else
        {
            OnRtcp(datagram[..length], now);
        }
    }

    /// <inheritdoc/>
    protected override bool TrySendRtp(ReadOnlySpan<byte> packet)
    {
        packet.CopyTo(SendBuffer);
        return TrySend(_sender?.ProtectRtp(SendBuffer, packet.Length) ?? packet.Length);
    }

    /// <inheritdoc/>
    protected override bool TrySendRtcp(ReadOnlySpan<byte> packet)
    {
        packet.CopyTo(SendBuffer);
        return TrySend(_sender?.ProtectRtcp(SendBuffer, packet.Length) ?? packet.Length);
    }

    /// <inheritdoc/>
    protected override void CloseProtocol()
    {
        _sender?.Dispose();
        _receiver?.Dispose();
    }

    private bool TrySend(int length)
    {
        if (length <= 0)
        {
            return false;
        }

        SendDatagram(length);
        return true;
    }
}
