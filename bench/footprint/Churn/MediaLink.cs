using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Bench.Churn;

/// <summary>One WebRTC transport of a participant on a UDP socket of its own. The <see cref="MediaLoop"/>'s thread owns it.</summary>
internal sealed class MediaLink : IDatagramSink, IWebRtcClientListener, IDisposable
{
    /// <summary>Microseconds of an Opus frame, and its 48 kHz samples.</summary>
    private const long FramePeriod = 20_000;
    private const uint FrameSamples = 960;

    /// <summary>Bytes of a frame at 32 kbit/s, what browsers send for speech.</summary>
    private const int FrameBytes = 80;

    private readonly byte[] _out = new byte[Datagram.MaxSize];
    private readonly byte[] _in = new byte[Datagram.MaxSize];
    private readonly byte[] _packet = new byte[20 + FrameBytes];
    private readonly TransportAddress _server;
    private readonly WebRtcClient _client;
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _nextFrame = long.MaxValue;
    private ushort _sequence;
    private uint _timestamp;
    private long _lastHeard;
    private long _packetsHeard;

    public MediaLink(DtlsContext certificate, string descriptionJson)
    {
        var remote = RemoteTransport.Parse(descriptionJson);
        _server = remote.Address;
        Socket = new Socket(_server.Family, SocketType.Dgram, ProtocolType.Udp);
        Socket.Bind(new IPEndPoint(_server.IsIPv4 ? IPAddress.Any : IPAddress.IPv6Any, 0));
        _client = new WebRtcClient(certificate, remote, this, this, MediaLoop.Now);
    }

    public Socket Socket { get; }

    /// <summary>Done when media can flow.</summary>
    public Task Connected => _connected.Task;

    /// <summary>Done when five packets of somebody have come.</summary>
    public Task Heard => _heard.Task;

    /// <summary>When the last packet came, in microseconds of the loop's clock. Any thread may read it.</summary>
    public long LastHeard => Volatile.Read(ref _lastHeard);

    /// <summary>Packets that came. Any thread may read it.</summary>
    public long PacketsHeard => Volatile.Read(ref _packetsHeard);

    /// <summary>mediasoup's dtlsParameters for connect-transport.</summary>
    public string DtlsParametersJson =>
        $$"""{"role":"client","fingerprints":[{"algorithm":"{{_client.DtlsParameters.Fingerprint.Algorithm}}","value":"{{_client.DtlsParameters.Fingerprint.Value}}"}]}""";

    /// <summary>Sends a frame each 20 ms from now on, at -20 dBov.</summary>
    public void Talk(uint ssrc)
    {
        _packet[0] = 0x90;
        _packet[1] = 111;
        BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(8), ssrc);

        // One-byte header extension (RFC 8285 §4.2) with the audio level as element 7 (RFC 6464 §3), voice bit set.
        BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(12), 0xBEDE0001);
        _packet[16] = 7 << 4;
        _packet[17] = 0x80 | 20;
        Random.Shared.NextBytes(_packet.AsSpan(20));
        _packet[20] = 0x78;
        _nextFrame = MediaLoop.Now;
    }

    /// <summary>Runs what is due; returns when to call again.</summary>
    public long Advance(long now)
    {
        var next = _client.Advance(now);
        while (_nextFrame <= now)
        {
            BinaryPrimitives.WriteUInt16BigEndian(_packet.AsSpan(2), _sequence++);
            BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(4), _timestamp);
            _timestamp += FrameSamples;
            _nextFrame += FramePeriod;
            _client.SendRtp(_packet);
        }

        return Math.Min(next, _nextFrame);
    }

    /// <summary>Takes all datagrams that are there.</summary>
    public void ReceiveAll()
    {
        while (Socket.Available > 0)
        {
            var length = Socket.Receive(_in);
            _client.Receive(_in.AsSpan(0, length), _server, MediaLoop.Now);
        }
    }

    public Span<byte> Rent() => _out;

    public void Send(int length, in TransportAddress destination) => Socket.SendTo(_out.AsSpan(0, length), SocketFlags.None, destination.ToIPEndPoint());

    public void OnDtls(DtlsEventKind kind)
    {
        if (kind == DtlsEventKind.Connected)
        {
            _connected.TrySetResult();
        }
        else
        {
            _connected.TrySetException(new IOException($"DTLS did not connect: {kind}"));
        }
    }

    public void OnRtp(ReadOnlySpan<byte> packet, long now)
    {
        Volatile.Write(ref _lastHeard, now);
        Volatile.Write(ref _packetsHeard, _packetsHeard + 1);
        if (_packetsHeard >= 5)
        {
            _heard.TrySetResult();
        }
    }

    public void OnRtcp(ReadOnlySpan<byte> packet, long now)
    {
    }

    public void Dispose()
    {
        _client.Close();
        _client.Dispose();
        Socket.Dispose();
    }
}
