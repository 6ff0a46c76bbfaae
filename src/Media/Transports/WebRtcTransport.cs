using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Interop;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Transports;

/// <summary>
/// A browser's way into a router: ICE-lite finds and keeps the address, DTLS makes the keys, SRTP carries the media.
/// It belongs to one <see cref="MediaWorker"/> and runs on its thread only.
/// </summary>
public sealed class WebRtcTransport : Transport, IWorkerTransport
{
    /// <summary>Microseconds without an ICE check after which the transport counts as disconnected. Browsers check every 2.5 to 5 s.</summary>
    public const long SilenceBeforeDisconnected = 10_000_000;

    /// <summary>Bytes that SRTP adds at most: the tag of 16.</summary>
    private const int SrtpRoom = 16;

    private readonly MediaWorker _worker;
    private readonly IWebRtcTransportListener _listener;

    /// <summary>The tuples that the worker has for this transport, at most <see cref="IceLiteAgent.MaxTuples"/>.</summary>
    private readonly List<TransportAddress> _tuples = new(IceLiteAgent.MaxTuples);

    private EvenLengths _lengths;
    private DtlsConnection? _dtls;
    private DtlsFingerprint? _remoteFingerprint;
    private SrtpSender? _sender;
    private SrtpReceiver? _receiver;
    private string? _oldFragment;
    private string _fragment;
    private bool _startsDtls;
    private long _lastCheck;

    internal WebRtcTransport(MediaWorker worker, Router router, string id, IWebRtcTransportListener listener)
        : base(router, id)
    {
        _worker = worker;
        _listener = listener;
        Ice = new IceLiteAgent(IceCredentials.Create());
        _fragment = Ice.Local.UsernameFragment;
        Timer = new TransportTimer(this);
    }

    /// <summary>ICE and DTLS together.</summary>
    public WebRtcTransportState State { get; private set; }

    /// <summary>True when it closed because ICE consent had ended.</summary>
    public bool WasSilent { get; private set; }

    /// <summary>The description that the client's device needs, as mediasoup's JSON.</summary>
    public string DescriptionJson => TransportJson.Describe(Id, Ice.Local, _worker.WebRtcEndpoint);

    /// <summary>The ICE parameters alone, as mediasoup's JSON.</summary>
    public string IceParametersJson => TransportJson.Ice(Ice.Local);

    /// <summary>The client's address, once ICE has found it.</summary>
    public TransportAddress? RemoteAddress => Ice.State is IceState.Connected or IceState.Completed ? Ice.SelectedTuple : null;

    internal IceLiteAgent Ice { get; }

    internal Timed Timer { get; }

    int IWorkerTransport.Index { get; set; }

    Timed IWorkerTransport.Timer => Timer;

    /// <summary>
    /// Takes the client's role and fingerprint. A client that is "auto" or "client" begins the handshake; for a "server"
    /// we do, once ICE is connected (RFC 8842 §5.3). A second call is a conflict; null means done.
    /// </summary>
    public string? Connect(DtlsParameters parameters, long now)
    {
        if (_remoteFingerprint is not null || IsClosed)
        {
            return IsClosed ? "The transport is closed." : "The transport was connected before.";
        }

        _remoteFingerprint = parameters.Fingerprint;
        _startsDtls = parameters.Role == DtlsParameters.ServerRole;
        if (_startsDtls)
        {
            // A hello that came before this call was answered in the other role: that handshake cannot go on.
            _dtls?.Dispose();
            _dtls = null;
            StartDtlsIfDue(now);
        }
        else if (_dtls is not null)
        {
            _dtls.SetRemoteFingerprint(parameters.Fingerprint);
            AfterDtls(now);
        }

        return null;
    }

    /// <summary>New ICE credentials. DTLS and SRTP go on, and the old credentials serve until the new are used (RFC 8445 §9).</summary>
    public string RestartIce()
    {
        var credentials = Ice.Restart();
        if (_oldFragment is null)
        {
            _oldFragment = _fragment;
        }
        else
        {
            // Restarted again before the client used the last credentials: those in use stay.
            _worker.UnmapFragment(_fragment);
        }

        _fragment = credentials.UsernameFragment;
        _worker.MapFragment(_fragment, this);
        return IceParametersJson;
    }

    /// <inheritdoc/>
    public override void Close(long now)
    {
        if (IsClosed)
        {
            return;
        }

        base.Close(now);
        if (_dtls is not null)
        {
            _dtls.Close();
            FlushDtls();
        }

        _worker.UnmapFragment(_fragment);
        if (_oldFragment is not null)
        {
            _worker.UnmapFragment(_oldFragment);
        }

        foreach (var tuple in _tuples)
        {
            _worker.UnmapTuple(tuple, this);
        }

        _tuples.Clear();
        _worker.Forget(this);
        _dtls?.Dispose();
        _sender?.Dispose();
        _receiver?.Dispose();
        (_dtls, _sender, _receiver) = (null, null, null);
        SetState(WebRtcTransportState.Closed);
    }

    internal void ReceiveStun(ReadOnlySpan<byte> datagram, in TransportAddress from, long now)
    {
        var verdict = Ice.Process(datagram, from, now, _worker.Sink.Rent(), out var responseLength);
        if (responseLength > 0)
        {
            _worker.Sink.Send(responseLength, from);
        }

        switch (verdict)
        {
            case StunVerdict.Malformed:
                Stats.CountDrop(DropReason.StunMalformed);
                break;
            case StunVerdict.Unauthenticated:
                Stats.CountDrop(DropReason.StunUnauthenticated);
                break;
            case StunVerdict.Accepted:
                _lastCheck = now;
                break;
            default:
                break;
        }

        AfterIce(now);
    }

    internal void ReceiveDtls(ReadOnlySpan<byte> datagram, in TransportAddress from, long now)
    {
        if (!Ice.IsValidTuple(from))
        {
            Stats.CountDrop(DropReason.DtlsRejected);
            return;
        }

        if (_dtls is null)
        {
            if (_startsDtls)
            {
                // We are the DTLS client and have not begun: nothing that comes now belongs to us.
                Stats.CountDrop(DropReason.DtlsRejected);
                return;
            }

            // A hello may come before the signalling: the handshake begins, and waits for the fingerprint at its end.
            _dtls = new DtlsConnection(_worker.Dtls, DtlsRole.Server, now, _remoteFingerprint);
        }

        var dropped = _dtls.Receive(datagram, now);
        if (dropped != DropReason.None)
        {
            Stats.CountDrop(dropped);
        }

        AfterDtls(now);
    }

    internal void ReceiveSrtp(Span<byte> datagram, long now)
    {
        if (_receiver is null)
        {
            Stats.CountDrop(DropReason.NotConnected);
            return;
        }

        var dropped = _receiver.UnprotectRtp(datagram, out var length);
        if (dropped != DropReason.None)
        {
            Stats.CountDrop(dropped);
            return;
        }

        ReceiveRtp(datagram[..length], now);
    }

    internal void ReceiveSrtcp(Span<byte> datagram, long now)
    {
        if (_receiver is null)
        {
            Stats.CountDrop(DropReason.NotConnected);
            return;
        }

        var dropped = _receiver.UnprotectRtcp(datagram, out var length);
        if (dropped != DropReason.None)
        {
            Stats.CountDrop(dropped);
            return;
        }

        ReceiveRtcp(datagram[..length], now);
    }

    /// <inheritdoc/>
    protected internal override Span<byte> RentPacket() => _sender is null || !IceCanSend ? [] : _worker.Sink.Rent();

    internal override void PrefetchState()
    {
        base.PrefetchState();
        Prefetch.Object(Ice, 192);
        Prefetch.Object(_sender);
    }

    /// <summary>Asks for what this object points to, before its next packet comes.</summary>
    internal void PrefetchReceiver()
    {
        Prefetch.Object(Stats, 192);
        Prefetch.Object(_receiver);
    }

    /// <summary>The next step: the keys.</summary>
    internal void PrefetchReceiverKeys() => _receiver?.PrefetchKeys();

    /// <summary>The last: what is known of the streams under those keys.</summary>
    internal void PrefetchReceiverStreams() => _receiver?.PrefetchStreams();

    internal override void PrefetchKeys() => _sender?.PrefetchKeys();

    internal override void PrefetchStreams() => _sender?.PrefetchStreams();

    /// <inheritdoc/>
    protected internal override void CommitRtp(int length, long now)
    {
        // Rent gives the same buffer again until something is sent.
        var packet = _worker.Sink.Rent();
        if (_worker.Options.PadsPackets)
        {
            length = _lengths.Apply(packet, length, packet.Length - SrtpRoom, _worker.Sink.Batch);
        }

        SendProtected(_sender!.ProtectRtp(packet, length));
    }

    /// <inheritdoc/>
    protected internal override void CommitRtcp(int length, long now)
    {
        var protectedLength = _sender!.ProtectRtcp(_worker.Sink.Rent(), length);
        SendProtected(protectedLength);
    }

    private bool IceCanSend => Ice.State is IceState.Connected or IceState.Completed;

    private void SendProtected(int length)
    {
        if (length < 0)
        {
            Stats.CountDrop(DropReason.SendFailed);
            return;
        }

        _worker.Sink.Send(length, Ice.SelectedTuple);
    }

    private long RunTimers(long now)
    {
        if (Ice.NextTimeout <= now)
        {
            Ice.HandleTimeout(now);
            AfterIce(now);
        }

        if (_dtls is not null && _dtls.NextTimeout <= now)
        {
            _dtls.HandleTimeout(now);
            AfterDtls(now);
        }

        if (IsClosed)
        {
            return long.MaxValue;
        }

        UpdateState(now);
        var next = Math.Min(base.Advance(now), Math.Min(Ice.NextTimeout, _dtls?.NextTimeout ?? long.MaxValue));
        return State is WebRtcTransportState.Connecting or WebRtcTransportState.Connected
            ? Math.Min(next, _lastCheck + SilenceBeforeDisconnected)
            : next;
    }

    private void AfterIce(long now)
    {
        while (!IsClosed && Ice.TryTakeEvent(out var item))
        {
            switch (item.Kind)
            {
                case IceEventKind.TupleAdded:
                    if (_worker.MapTuple(item.Address, this))
                    {
                        _tuples.Add(item.Address);
                    }

                    break;
                case IceEventKind.TupleRemoved:
                    _worker.UnmapTuple(item.Address, this);
                    _tuples.Remove(item.Address);
                    break;
                case IceEventKind.RestartCompleted:
                    if (_oldFragment is not null)
                    {
                        _worker.UnmapFragment(_oldFragment);
                        _oldFragment = null;
                    }

                    break;
                case IceEventKind.StateChanged when item.State == IceState.Disconnected:
                    // RFC 7675 §5.1: no consent, no more sending. The client must begin anew.
                    _worker.Stats.ConsentExpired++;
                    WasSilent = true;
                    Close(now);
                    return;
                default:
                    break;
            }
        }

        StartDtlsIfDue(now);
        UpdateState(now);
        if (!IsClosed)
        {
            _worker.RunSoon(Timer, Math.Min(Ice.NextTimeout, _lastCheck + SilenceBeforeDisconnected));
        }
    }

    private void StartDtlsIfDue(long now)
    {
        if (_startsDtls && _dtls is null && !IsClosed && IceCanSend)
        {
            _dtls = new DtlsConnection(_worker.Dtls, DtlsRole.Client, now, _remoteFingerprint);
            AfterDtls(now);
        }
    }

    private void AfterDtls(long now)
    {
        FlushDtls();
        while (_dtls is not null && _dtls.TryTakeEvent(out var kind))
        {
            switch (kind)
            {
                case DtlsEventKind.Connected:
                    (_sender, _receiver) = _dtls.CreateSrtp();
                    _worker.Stats.DtlsHandshakesCompleted++;
                    UpdateState(now);
                    OnConnected(now);
                    _worker.RunSoon(Timer, now);
                    break;
                case DtlsEventKind.HandshakeFailed:
                    _worker.Stats.DtlsHandshakesFailed++;
                    break;
                case DtlsEventKind.FingerprintMismatch or DtlsEventKind.NoSrtpProfile or DtlsEventKind.HandshakeTimedOut:
                    _worker.Stats.DtlsHandshakesFailed++;
                    Close(now);
                    return;
                case DtlsEventKind.ClosedByPeer:
                    Close(now);
                    return;
                default:
                    break;
            }
        }

        UpdateState(now);
        if (!IsClosed && _dtls is not null)
        {
            _worker.RunSoon(Timer, _dtls.NextTimeout);
        }
    }

    private void FlushDtls()
    {
        while (_dtls is not null && IceCanSend)
        {
            var length = _dtls.TakeDatagram(_worker.Sink.Rent());
            if (length == 0)
            {
                return;
            }

            _worker.Sink.Send(length, Ice.SelectedTuple);
        }
    }

    private void UpdateState(long now)
    {
        if (IsClosed)
        {
            return;
        }

        SetState(
            Ice.State == IceState.New ? WebRtcTransportState.New
            : now - _lastCheck >= SilenceBeforeDisconnected ? WebRtcTransportState.Disconnected
            : _sender is null ? WebRtcTransportState.Connecting
            : WebRtcTransportState.Connected);
    }

    private void SetState(WebRtcTransportState state)
    {
        if (State != state)
        {
            State = state;
            _listener.OnStateChanged(this, state);
        }
    }

    private sealed class TransportTimer(WebRtcTransport transport) : Timed
    {
        internal override long Run(long now) => transport.RunTimers(now);
    }
}
