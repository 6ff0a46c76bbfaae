using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Tests.Io;

/// <summary>A <see cref="WebRtcClient"/> on a real UDP socket, driven by the test's own thread.</summary>
internal sealed class SocketClient : IDatagramSink, IWebRtcClientListener, IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly byte[] _out = new byte[Datagram.MaxSize];
    private readonly byte[] _in = new byte[Datagram.MaxSize];
    private readonly MonotonicClock _clock = new(TimeProvider.System);
    private readonly TransportAddress _server;
    private readonly DtlsContext _dtls = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));

    public SocketClient(string descriptionJson)
    {
        var remote = RemoteTransport.Parse(descriptionJson);
        _server = remote.Address;
        _socket.ReceiveBufferSize = 1 << 20;
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Rtc = new WebRtcClient(_dtls, remote, this, this, _clock.Now);
    }

    public WebRtcClient Rtc { get; }

    public int RtpReceived { get; private set; }

    public string DtlsParametersJson =>
        $$"""{"role":"client","fingerprints":[{"algorithm":"{{Rtc.DtlsParameters.Fingerprint.Algorithm}}","value":"{{Rtc.DtlsParameters.Fingerprint.Value}}"}]}""";

    /// <summary>Runs all clients until something holds; fails after 20 s.</summary>
    public static void RunUntil(Func<bool> condition, params SocketClient[] clients)
    {
        var deadline = Environment.TickCount64 + 20_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "The state did not come within 20 s.");
            foreach (var client in clients)
            {
                client.Run();
            }
        }
    }

    public Span<byte> Rent() => _out;

    public void Send(int length, in TransportAddress destination) => _socket.SendTo(_out.AsSpan(0, length), SocketFlags.None, destination.ToIPEndPoint());

    public void OnDtls(DtlsEventKind kind)
    {
    }

    public void OnRtp(ReadOnlySpan<byte> packet, long now) => RtpReceived++;

    public void OnRtcp(ReadOnlySpan<byte> packet, long now)
    {
    }

    public void Dispose()
    {
        Rtc.Dispose();
        _dtls.Dispose();
        _socket.Dispose();
    }

    /// <summary>Takes what has come, or waits a millisecond for it.</summary>
    public void Run()
    {
        Rtc.Advance(_clock.Now);
        for (var wait = 1_000; _socket.Poll(wait, SelectMode.SelectRead); wait = 0)
        {
            var length = _socket.Receive(_in);
            Rtc.Receive(_in.AsSpan(0, length), _server, _clock.Now);
        }
    }
}
