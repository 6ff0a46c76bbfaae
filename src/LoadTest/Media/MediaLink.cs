using System.Buffers.Binary;
using VoiceCluster.LoadTest.Interop.Linux;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.LoadTest.Media;

/// <summary>One WebRTC transport of a member on a UDP socket of its own. A <see cref="MediaLoop"/>'s thread owns it once it is added.</summary>
internal sealed unsafe class MediaLink : IDatagramSink, IWebRtcClientListener, IDisposable
{
    /// <summary>Bytes that the kernel keeps for a socket between two sweeps: some hundred packets of sound.</summary>
    private const int ReceiveBuffer = 1 << 20;

    /// <summary>RTCP packet types of payload-specific feedback and of FIR's and PLI's format (RFC 4585 §6.1, RFC 5104 §4.3.1).</summary>
    private const byte PayloadFeedback = 206;
    private const int Pli = 1;
    private const int Fir = 4;

    private readonly MediaLoop _loop;
    private readonly UdpPort _port;
    private readonly TransportAddress _server;
    private readonly WebRtcClient _client;
    private readonly TaskCompletionSource<long> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StreamMeter _meter = new();
    private readonly List<PacketSource> _sources = [];
    private readonly long _begun = MediaLoop.Now;
    private long _arrivedAt;

    /// <summary>Opens a socket towards the transport that the server has described.</summary>
    public MediaLink(MediaLoop loop, DtlsContext certificate, RemoteTransport remote, IceCredentials? own = null)
    {
        _loop = loop;
        _server = remote.Address;
        _port = new UdpPort(_server, ReceiveBuffer);
        _client = new WebRtcClient(certificate, remote, this, this, _begun, local: own);
    }

    /// <summary>The socket.</summary>
    public int Descriptor => _port.Descriptor;

    /// <summary>True once media can flow.</summary>
    public bool IsConnected => _client.IsConnected;

    /// <summary>Microseconds from its making to the end of the DTLS handshake.</summary>
    public Task<long> Connected => _connected.Task;

    /// <summary>When <see cref="Advance"/> is due.</summary>
    public long Due { get; private set; }

    /// <summary>What it receives.</summary>
    public StreamMeter Meter => _meter;

    /// <summary>mediasoup's dtlsParameters for connect-transport.</summary>
    public string DtlsParametersJson =>
        $$"""{"role":"client","fingerprints":[{"algorithm":"{{_client.DtlsParameters.Fingerprint.Algorithm}}","value":"{{_client.DtlsParameters.Fingerprint.Value}}"}]}""";

    /// <summary>Key frames asked of this link are for this source too.</summary>
    public void Add(PacketSource source) => _sources.Add(source);

    /// <summary>Runs the timers of ICE and DTLS.</summary>
    public void Advance(long now) => Due = _client.Advance(now);

    /// <summary>Takes all datagrams that are there; returns how many.</summary>
    public int Sweep(ReceiveBatch batch, long now)
    {
        var sum = 0;
        int count;
        do
        {
            count = batch.Receive(_port.Descriptor);
            for (var i = 0; i < count; i++)
            {
                _arrivedAt = batch.TakeTime(i);
                _client.Receive(batch[i], _server, now);
            }

            sum += count;
        }
        while (count == ReceiveBatch.Size);
        return sum;
    }

    /// <summary>Protects and sends a packet.</summary>
    public void SendRtp(ReadOnlySpan<byte> packet)
    {
        if (_client.SendRtp(packet))
        {
            _loop.Figures.Sent++;
        }
    }

    /// <inheritdoc/>
    public Span<byte> Rent() => new(_loop.SendBuffer, Datagram.MaxSize);

    /// <inheritdoc/>
    public void Send(int length, in TransportAddress destination)
    {
        if (!_port.Send(_loop.SendBuffer, length))
        {
            _loop.Figures.SendFailures++;
        }
    }

    /// <inheritdoc/>
    public void OnDtls(DtlsEventKind kind)
    {
        if (kind == DtlsEventKind.Connected)
        {
            _connected.TrySetResult(MediaLoop.Now - _begun);
        }
        else
        {
            _connected.TrySetException(new IOException($"DTLS did not stay connected: {kind}."));
        }
    }

    /// <inheritdoc/>
    public void OnRtp(ReadOnlySpan<byte> packet, long now)
    {
        var figures = _loop.Figures;
        figures.Received++;
        figures.ReceivedBytes += packet.Length;
        _meter.Count(BinaryPrimitives.ReadUInt32BigEndian(packet[8..]), BinaryPrimitives.ReadUInt16BigEndian(packet[2..]), figures.Window);
        if (_arrivedAt != 0 && PacketSource.TryReadTime(packet, out var sent))
        {
            figures.Latency.Add(_arrivedAt - sent);
        }
    }

    /// <inheritdoc/>
    public void OnRtcp(ReadOnlySpan<byte> packet, long now)
    {
        while (packet.Length >= 4)
        {
            var length = 4 * (BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) + 1);
            if (packet[1] == PayloadFeedback && (packet[0] & 0x1F) is Pli or Fir)
            {
                foreach (var source in _sources)
                {
                    source.RequestKeyFrame();
                }
            }

            packet = packet[Math.Min(length, packet.Length)..];
        }
    }

    /// <summary>Says close_notify and frees the socket.</summary>
    public void Dispose()
    {
        _loop.Figures.Refused += _client.PacketsRefused;
        _loop.Figures.Keep(_meter);
        _client.Close();
        _client.Dispose();
        _port.Dispose();
        _connected.TrySetException(new ObjectDisposedException(nameof(MediaLink)));
        _ = _connected.Task.Exception;
    }
}
