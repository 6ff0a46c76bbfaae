using VoiceCluster.Media.Interop;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Transports;

/// <summary>
/// RTP over UDP without ICE and DTLS, on ports of its own, with or without SRTP (mediasoup's PlainTransport): for FFmpeg, GStreamer,
/// other servers and load generators. The other end is where an operator says, or with comedia where the first valid packet comes
/// from; packets from elsewhere are dropped.
/// </summary>
public sealed class PlainTransport : Transport, IWorkerTransport
{
    private readonly MediaWorker _worker;
    private readonly IPlainPort _port;
    private readonly IPlainPort? _rtcpPort;
    private SrtpSender? _sender;
    private SrtpReceiver? _receiver;
    private bool _wasConnected;

    /// <summary>The address was found by RTCP: FFmpeg sends that from another port even where both go to one, so RTP still decides.</summary>
    private bool _isProvisional;

    internal PlainTransport(MediaWorker worker, Router router, string id, PlainTransportOptions options, IPlainPort port, IPlainPort? rtcpPort)
        : base(router, id)
    {
        (_worker, _port, _rtcpPort) = (worker, port, rtcpPort);
        Options = options;
        SrtpParameters = options.SrtpCryptoSuite is { } suite ? SrtpParameters.Create(suite) : null;
        Timer = new PlainTimer(this);
    }

    /// <summary>The options given.</summary>
    public PlainTransportOptions Options { get; }

    /// <summary>Where this end receives RTP.</summary>
    public TransportAddress LocalAddress => _port.Local;

    /// <summary>Where this end receives RTCP; null with one port for both.</summary>
    public TransportAddress? LocalRtcpAddress => _rtcpPort?.Local;

    /// <summary>Where the other end is, once that is known.</summary>
    public TransportAddress? RemoteAddress { get; private set; }

    /// <summary>Where the other end's RTCP port is; null until it is known, and with one port for both.</summary>
    public TransportAddress? RemoteRtcpAddress { get; private set; }

    /// <summary>The key with which this end sends; null for RTP in the clear. <see cref="Connect"/> may change it.</summary>
    public SrtpParameters? SrtpParameters { get; private set; }

    /// <summary>Whether media can be sent.</summary>
    public bool IsConnected => !IsClosed && RemoteAddress is not null && HasKeys;

    int IWorkerTransport.Index { get; set; }

    Timed IWorkerTransport.Timer => Timer;

    internal Timed Timer { get; }

    private bool HasKeys => SrtpParameters is null || _sender is not null;

    /// <summary>Tells where the other end is and with what key it sends, once. Null means done, else what is wrong.</summary>
    public string? Connect(PlainConnectOptions options, long now)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (Check(options) is { } wrong)
        {
            return wrong;
        }

        if (options.SrtpParameters is { } theirs)
        {
            theirs.TryRead(out var profile, out var keyAndSalt);
            if (theirs.CryptoSuite != SrtpParameters!.CryptoSuite)
            {
                // As in mediasoup the other end's suite decides, and its answer says with what this end sends.
                SrtpParameters = SrtpParameters.Create(theirs.CryptoSuite);
            }

            SrtpParameters.TryRead(out _, out var own);
            var length = profile.KeyLength();
            _sender = new SrtpSender(profile, own.AsSpan(0, length), own.AsSpan(length));
            _receiver = new SrtpReceiver(profile, keyAndSalt.AsSpan(0, length), keyAndSalt.AsSpan(length));
        }

        _wasConnected = true;
        if (!Options.Comedia)
        {
            RemoteAddress = options.Remote;
            RemoteRtcpAddress = options.RemoteRtcp;
            Begin(now);
        }

        return null;
    }

    /// <inheritdoc/>
    public override void Close(long now)
    {
        if (IsClosed)
        {
            return;
        }

        base.Close(now);
        _worker.Forget(this);
        _sender?.Dispose();
        _receiver?.Dispose();
        (_sender, _receiver) = (null, null);
        _port.Close();
        _rtcpPort?.Close();
    }

    /// <summary>A datagram of one of the ports; it is decrypted in place.</summary>
    internal void Receive(Span<byte> datagram, in TransportAddress from, bool atRtcpPort, long now)
    {
        var reason = !from.IsReachable ? DropReason.UnknownSource
            : atRtcpPort || DatagramKinds.Classify(datagram) == DatagramKind.Rtcp
            ? TakeRtcp(datagram, from, atRtcpPort, now)
            : TakeRtp(datagram, from, now);
        if (reason != DropReason.None)
        {
            Stats.CountDrop(reason);
        }
    }

    /// <inheritdoc/>
    protected internal override Span<byte> RentPacket() => IsConnected ? _port.Rent() : [];

    /// <inheritdoc/>
    protected internal override void CommitRtp(int length, long now)
    {
        // Rent gives the same buffer again until something is sent.
        Send(_port, _sender is null ? length : _sender.ProtectRtp(_port.Rent(), length), RemoteAddress!.Value);
    }

    /// <inheritdoc/>
    protected internal override void CommitRtcp(int length, long now)
    {
        if ((_rtcpPort is null ? RemoteAddress : RemoteRtcpAddress) is not { } remote)
        {
            return;
        }

        var packet = _port.Rent();
        var protectedLength = _sender is null ? length : _sender.ProtectRtcp(packet, length);
        if (_rtcpPort is not null && protectedLength > 0)
        {
            packet[..protectedLength].CopyTo(_rtcpPort.Rent());
        }

        Send(_rtcpPort ?? _port, protectedLength, remote);
    }

    internal override void PrefetchState()
    {
        base.PrefetchState();
        Prefetch.Object(_port);
        Prefetch.Object(_sender);
    }

    internal override void PrefetchKeys() => _sender?.PrefetchKeys();

    internal override void PrefetchStreams() => _sender?.PrefetchStreams();

    private DropReason TakeRtp(Span<byte> datagram, in TransportAddress from, long now)
    {
        if (DatagramKinds.Classify(datagram) != DatagramKind.Rtp)
        {
            return DropReason.UnknownProtocol;
        }

        if (RemoteAddress is { } remote && !_isProvisional ? remote != from : !Options.Comedia)
        {
            return DropReason.UnknownSource;
        }

        if (!HasKeys)
        {
            return DropReason.NotConnected;
        }

        var length = datagram.Length;
        if (_receiver is not null && _receiver.UnprotectRtp(datagram, out length) is not DropReason.None and var refused)
        {
            return refused;
        }

        if (RemoteAddress is null || _isProvisional)
        {
            if (!Rtp.RtpPacket.TryParse(datagram[..length], out _))
            {
                return DropReason.RtpMalformed;
            }

            _isProvisional = false;
            RemoteAddress = from;
            Begin(now);
        }

        ReceiveRtp(datagram[..length], now);
        return DropReason.None;
    }

    private DropReason TakeRtcp(Span<byte> datagram, in TransportAddress from, bool atRtcpPort, long now)
    {
        if (DatagramKinds.Classify(datagram) != DatagramKind.Rtcp)
        {
            return DropReason.UnknownProtocol;
        }

        if (atRtcpPort == (_rtcpPort is null))
        {
            // RTCP at the port of RTP, where it has one of its own.
            return DropReason.UnknownProtocol;
        }

        var known = _rtcpPort is null ? RemoteAddress : RemoteRtcpAddress;
        if (known is { } remote ? remote != from : !Options.Comedia)
        {
            return DropReason.UnknownSource;
        }

        if (!HasKeys)
        {
            return DropReason.NotConnected;
        }

        var length = datagram.Length;
        if (_receiver is not null && _receiver.UnprotectRtcp(datagram, out length) is not DropReason.None and var refused)
        {
            return refused;
        }

        if (known is null && _rtcpPort is null)
        {
            _isProvisional = true;
            RemoteAddress = from;
            Begin(now);
        }
        else if (known is null)
        {
            RemoteRtcpAddress = from;
        }

        ReceiveRtcp(datagram[..length], now);
        return DropReason.None;
    }

    private string? Check(PlainConnectOptions options)
    {
        if (IsClosed || _wasConnected)
        {
            return IsClosed ? "The transport is closed." : "The transport was connected before.";
        }

        if (Options.Comedia)
        {
            if (options.Remote is not null || options.RemoteRtcp is not null)
            {
                return "With comedia the other end's address is found by its first packet: ip, port and rtcpPort cannot be given.";
            }
        }
        else if (options.Remote is { IsReachable: false } || options.RemoteRtcp is { IsReachable: false })
        {
            return "port and rtcpPort must not be 0.";
        }
        else if (options.Remote is null)
        {
            return "ip and port are missing.";
        }
        else if (_rtcpPort is null == options.RemoteRtcp is not null)
        {
            return _rtcpPort is null ? "rtcpPort cannot be given with rtcpMux." : "rtcpPort is missing: the transport has no rtcpMux.";
        }

        return (SrtpParameters, options.SrtpParameters) switch
        {
            (null, not null) => "The transport has no SRTP: srtpParameters cannot be given.",
            (not null, null) => "The transport has SRTP: srtpParameters are missing.",
            (not null, { } theirs) when !theirs.TryRead(out _, out _) => $"srtpParameters must be a cryptoSuite of {string.Join(", ", SrtpParameters.Suites)} and its keyBase64: key and salt.",
            _ => null,
        };
    }

    private void Begin(long now)
    {
        OnConnected(now);
        _worker.RunSoon(Timer, now);
    }

    private void Send(IPlainPort port, int length, in TransportAddress to)
    {
        if (length < 0)
        {
            Stats.CountDrop(DropReason.SendFailed);
            return;
        }

        port.Send(length, to);
        _worker.Stats.DatagramsSent++;
        _worker.Stats.BytesSent += length;
    }

    private sealed class PlainTimer(PlainTransport transport) : Timed
    {
        internal override long Run(long now) => transport.IsConnected ? transport.Advance(now) : long.MaxValue;
    }
}
