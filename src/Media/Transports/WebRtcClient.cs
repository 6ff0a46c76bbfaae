using System.Text.Json;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Transports;

/// <summary>
/// The client's end of a <see cref="WebRtcTransport"/>: controlling ICE, DTLS in either role, SRTP. Sans-IO as the server's end;
/// the load generator drives it over sockets, tests over memory. It carries packets and knows nothing of their streams.
/// </summary>
public sealed class WebRtcClient : IDisposable
{
    private readonly DtlsContext _context;
    private readonly IDatagramSink _sink;
    private readonly IWebRtcClientListener _listener;
    private readonly DtlsRole _role;
    private readonly DtlsFingerprint _remoteFingerprint;
    private readonly IceCredentials _local;
    private readonly TransportAddress _remote;
    private IceClient _ice;
    private DtlsConnection? _dtls;
    private SrtpSender? _sender;
    private SrtpReceiver? _receiver;

    /// <param name="context">The client's certificate.</param>
    /// <param name="description">What the server said of its transport, see <see cref="WebRtcTransport.DescriptionJson"/>.</param>
    /// <param name="sink">Where datagrams go.</param>
    /// <param name="listener">Who hears of what comes.</param>
    /// <param name="now">Microseconds.</param>
    /// <param name="role">A client begins the DTLS handshake, as browsers do by default.</param>
    /// <param name="local">Its ICE credentials, where the server was told them; else new ones.</param>
    public WebRtcClient(DtlsContext context, RemoteTransport description, IDatagramSink sink, IWebRtcClientListener listener, long now, DtlsRole role = DtlsRole.Client, IceCredentials? local = null)
    {
        _local = local ?? IceCredentials.Create();
        _context = context;
        _sink = sink;
        _listener = listener;
        _role = role;
        _remote = description.Address;
        _remoteFingerprint = description.Fingerprint;
        _ice = new IceClient(_local, description.Ice, now);
    }

    /// <summary>True once media can flow.</summary>
    public bool IsConnected => _sender is not null;

    /// <summary>The ICE side's state.</summary>
    public IceClientState IceState => _ice.State;

    /// <summary>The DTLS side's state.</summary>
    public DtlsState DtlsState => _dtls?.State ?? DtlsState.Connecting;

    /// <summary>Packets that SRTP refused.</summary>
    public long PacketsRefused { get; private set; }

    /// <summary>What to give the server's connect, as mediasoup's dtlsParameters.</summary>
    public DtlsParameters DtlsParameters =>
        new(_role == DtlsRole.Client ? "client" : DtlsParameters.ServerRole, _context.Certificate.Fingerprints[^1]);

    /// <summary>Takes the server's new credentials; DTLS and SRTP go on.</summary>
    public void RestartIce(IceCredentials remote, long now) => _ice = new IceClient(IceCredentials.Create(), remote, now);

    /// <summary>Takes one datagram; the span is decrypted in place.</summary>
    public void Receive(Span<byte> datagram, in TransportAddress from, long now)
    {
        if (from != _remote)
        {
            PacketsRefused++;
            return;
        }

        switch (DatagramKinds.Classify(datagram))
        {
            case DatagramKind.Stun:
                _ice.Process(datagram, now);
                StartDtls(now);
                break;
            case DatagramKind.Dtls when _dtls is not null:
                _dtls.Receive(datagram, now);
                AfterDtls();
                break;
            case DatagramKind.Rtp when _receiver is not null:
                if (_receiver.UnprotectRtp(datagram, out var rtp) == DropReason.None)
                {
                    _listener.OnRtp(datagram[..rtp], now);
                    break;
                }

                PacketsRefused++;
                break;
            case DatagramKind.Rtcp when _receiver is not null:
                if (_receiver.UnprotectRtcp(datagram, out var rtcp) == DropReason.None)
                {
                    _listener.OnRtcp(datagram[..rtcp], now);
                    break;
                }

                PacketsRefused++;
                break;
            default:
                PacketsRefused++;
                break;
        }
    }

    /// <summary>Runs what is due; returns when to call again.</summary>
    public long Advance(long now)
    {
        var length = _ice.TakeDatagram(_sink.Rent(), now);
        if (length > 0)
        {
            _sink.Send(length, _remote);
        }

        StartDtls(now);
        if (_dtls is not null && _dtls.NextTimeout <= now)
        {
            _dtls.HandleTimeout(now);
            AfterDtls();
        }

        return Math.Min(_ice.NextTimeout, _dtls?.NextTimeout ?? long.MaxValue);
    }

    /// <summary>Protects and sends an RTP packet; false before the connection.</summary>
    public bool SendRtp(ReadOnlySpan<byte> packet)
    {
        if (_sender is null)
        {
            return false;
        }

        var buffer = _sink.Rent();
        packet.CopyTo(buffer);
        return Send(_sender.ProtectRtp(buffer, packet.Length));
    }

    /// <summary>Protects and sends a compound RTCP packet; false before the connection.</summary>
    public bool SendRtcp(ReadOnlySpan<byte> packet)
    {
        if (_sender is null)
        {
            return false;
        }

        var buffer = _sink.Rent();
        packet.CopyTo(buffer);
        return Send(_sender.ProtectRtcp(buffer, packet.Length));
    }

    /// <summary>Says close_notify, as a closing browser does.</summary>
    public void Close()
    {
        if (_dtls is not null)
        {
            _dtls.Close();
            FlushDtls();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _dtls?.Dispose();
        _sender?.Dispose();
        _receiver?.Dispose();
    }

    private bool Send(int length)
    {
        if (length > 0)
        {
            _sink.Send(length, _remote);
        }

        return length > 0;
    }

    private void StartDtls(long now)
    {
        if (_dtls is null && _ice.State == IceClientState.Connected)
        {
            _dtls = new DtlsConnection(_context, _role, now, _remoteFingerprint);
            AfterDtls();
        }
    }

    private void AfterDtls()
    {
        FlushDtls();
        while (_dtls!.TryTakeEvent(out var kind))
        {
            if (kind == DtlsEventKind.Connected)
            {
                (_sender, _receiver) = _dtls.CreateSrtp();
            }

            _listener.OnDtls(kind);
        }
    }

    private void FlushDtls()
    {
        int length;
        while ((length = _dtls!.TakeDatagram(_sink.Rent())) > 0)
        {
            _sink.Send(length, _remote);
        }
    }
}

/// <summary>Hears what comes to a <see cref="WebRtcClient"/>, on its thread.</summary>
public interface IWebRtcClientListener
{
    /// <summary>Something happened to the DTLS association.</summary>
    void OnDtls(DtlsEventKind kind);

    /// <summary>A decrypted RTP packet.</summary>
    void OnRtp(ReadOnlySpan<byte> packet, long now);

    /// <summary>A decrypted compound RTCP packet.</summary>
    void OnRtcp(ReadOnlySpan<byte> packet, long now);
}

/// <summary>A server's transport as a client needs it.</summary>
/// <param name="Ice">The server's ICE credentials.</param>
/// <param name="Address">Its first candidate.</param>
/// <param name="Fingerprint">Its last fingerprint, the one that mediasoup-client takes.</param>
public sealed record RemoteTransport(IceCredentials Ice, TransportAddress Address, DtlsFingerprint Fingerprint)
{
    /// <summary>Reads mediasoup's <c>{iceParameters, iceCandidates, dtlsParameters}</c>. Throws on anything else: it is for our own servers.</summary>
    public static RemoteTransport Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var candidate = root.GetProperty("iceCandidates")[0];
        var fingerprints = root.GetProperty("dtlsParameters").GetProperty("fingerprints");
        var fingerprint = fingerprints[fingerprints.GetArrayLength() - 1];
        if (!DtlsFingerprint.TryParse(fingerprint.GetProperty("algorithm").GetString(), fingerprint.GetProperty("value").GetString(), out var parsed))
        {
            throw new FormatException("The last fingerprint is none.");
        }

        var endPoint = new System.Net.IPEndPoint(
            System.Net.IPAddress.Parse(candidate.GetProperty("ip").GetString()!),
            candidate.GetProperty("port").GetInt32());
        return new RemoteTransport(ParseIce(root.GetProperty("iceParameters")), TransportAddress.From(endPoint), parsed);
    }

    /// <summary>Reads mediasoup's iceParameters, as an ICE restart answers them.</summary>
    public static IceCredentials ParseIce(string json)
    {
        using var document = JsonDocument.Parse(json);
        return ParseIce(document.RootElement);
    }

    private static IceCredentials ParseIce(JsonElement ice) =>
        new(ice.GetProperty("usernameFragment").GetString()!, ice.GetProperty("password").GetString()!);
}
