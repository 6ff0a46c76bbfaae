using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Bench.Joins;

/// <summary>One client on a socket of its own, from the request for a transport until media could flow.</summary>
internal sealed class JoiningClient(int number, DtlsContext dtls, long asked) : IDatagramSink, IWebRtcClientListener, IDisposable
{
    // All clients are on one thread.
    private static readonly byte[] Out = new byte[Datagram.MaxSize];
    private static readonly byte[] In = new byte[Datagram.MaxSize];

    private WebRtcClient? _rtc;
    private TransportAddress _server;
    private long _due;

    /// <summary>Its number, by which its socket is watched.</summary>
    public int Number => number;

    public Socket Socket { get; } = Bind();

    /// <summary>When it asked for the transport, in microseconds.</summary>
    public long Asked { get; } = asked;

    public bool IsConnected => _rtc is { IsConnected: true };

    /// <summary>The server's description has come; returns what to tell it.</summary>
    public DtlsFingerprint Describe(string json, long now)
    {
        var remote = RemoteTransport.Parse(json);
        _server = remote.Address;
        Socket.Connect(remote.Address.ToIPEndPoint());
        _rtc = new WebRtcClient(dtls, remote, this, this, now);
        _due = now;
        return _rtc.DtlsParameters.Fingerprint;
    }

    /// <summary>Takes what has come.</summary>
    public void Receive(long now)
    {
        while (true)
        {
            var length = Socket.Receive(In, SocketFlags.None, out var error);
            if (error != SocketError.Success || _rtc is null)
            {
                return;
            }

            _rtc.Receive(In.AsSpan(0, length), _server, now);
            _due = _rtc.Advance(now);
        }
    }

    /// <summary>Sends again what is due.</summary>
    public void Run(long now)
    {
        if (_rtc is not null && now >= _due)
        {
            _due = _rtc.Advance(now);
        }
    }

    public Span<byte> Rent() => Out;

    public void Send(int length, in TransportAddress destination) => Socket.Send(Out.AsSpan(0, length), SocketFlags.None, out _);

    public void OnDtls(DtlsEventKind kind)
    {
    }

    public void OnRtp(ReadOnlySpan<byte> packet, long now)
    {
    }

    public void OnRtcp(ReadOnlySpan<byte> packet, long now)
    {
    }

    /// <summary>Lets the connection go and keeps its port, as a client that is only counted.</summary>
    public void Release()
    {
        _rtc?.Dispose();
        _rtc = null;
    }

    public void Dispose()
    {
        _rtc?.Dispose();
        Socket.Dispose();
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
