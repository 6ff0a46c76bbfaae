using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Bench.Joins;

/// <summary>One client on a socket of its own, from the request for a transport until media could flow.</summary>
internal sealed class JoiningClient(string id, DtlsContext dtls, long asked) : IDatagramSink, IWebRtcClientListener, IDisposable
{
    private readonly Socket _socket = Bind();
    private readonly byte[] _out = new byte[Datagram.MaxSize];
    private readonly byte[] _in = new byte[Datagram.MaxSize];
    private WebRtcClient? _rtc;
    private TransportAddress _server;
    private SocketAddress? _destination;

    public string Id { get; } = id;

    /// <summary>When it asked for the transport, in microseconds.</summary>
    public long Asked { get; } = asked;

    public bool IsConnected => _rtc is { IsConnected: true };

    /// <summary>The server's description has come; returns what to tell it.</summary>
    public DtlsFingerprint Describe(string json, long now)
    {
        var remote = RemoteTransport.Parse(json);
        _server = remote.Address;
        _destination = remote.Address.ToIPEndPoint().Serialize();
        _rtc = new WebRtcClient(dtls, remote, this, this, now);
        return _rtc.DtlsParameters.Fingerprint;
    }

    /// <summary>Sends what is due and takes what has come.</summary>
    public void Run(long now)
    {
        if (_rtc is null)
        {
            return;
        }

        _rtc.Advance(now);
        while (_socket.Available > 0)
        {
            var length = _socket.Receive(_in);
            _rtc.Receive(_in.AsSpan(0, length), _server, now);
        }
    }

    public Span<byte> Rent() => _out;

    public void Send(int length, in TransportAddress destination) => _socket.SendTo(_out.AsSpan(0, length), SocketFlags.None, _destination!);

    public void OnDtls(DtlsEventKind kind)
    {
    }

    public void OnRtp(ReadOnlySpan<byte> packet, long now)
    {
    }

    public void OnRtcp(ReadOnlySpan<byte> packet, long now)
    {
    }

    public void Dispose()
    {
        _rtc?.Dispose();
        _socket.Dispose();
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
