using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>One WebRTC transport of a talker on a UDP socket of its own. The <see cref="MediaThread"/> owns it.</summary>
internal sealed class MediaLink : IDatagramSink, IWebRtcClientListener, IDisposable
{
    private const int HeaderLength = 12;
    private const int ReceiveBuffer = 1 << 20;

    private readonly byte[] _out = new byte[Datagram.MaxSize];
    private readonly byte[] _in = new byte[Datagram.MaxSize];
    private readonly TransportAddress _server;
    private readonly WebRtcClient _client;
    private readonly Socket _socket;
    private readonly Action<ReadOnlyMemory<byte>>? _onPayload;
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="certificate">The client's.</param>
    /// <param name="id">The transport's id.</param>
    /// <param name="descriptionJson">What create-transport answered.</param>
    /// <param name="onPayload">Gets the payload of each RTP packet.</param>
    public MediaLink(DtlsContext certificate, string id, string descriptionJson, Action<ReadOnlyMemory<byte>>? onPayload)
    {
        Id = id;
        _onPayload = onPayload;
        var remote = RemoteTransport.Parse(descriptionJson);
        _server = remote.Address;
        _socket = new Socket(_server.Family, SocketType.Dgram, ProtocolType.Udp) { Blocking = false, ReceiveBufferSize = ReceiveBuffer };
        _socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        _client = new WebRtcClient(certificate, remote, this, this, MediaThread.Now);
    }

    public string Id { get; }

    /// <summary>Done when media can flow.</summary>
    public Task Connected => _connected.Task;

    /// <summary>mediasoup's dtlsParameters for connect-transport.</summary>
    public string DtlsParametersJson =>
        $$"""{"role":"client","fingerprints":[{"algorithm":"{{_client.DtlsParameters.Fingerprint.Algorithm}}","value":"{{_client.DtlsParameters.Fingerprint.Value}}"}]}""";

    public void Advance(long now) => _client.Advance(now);

    public void SendRtp(ReadOnlySpan<byte> packet) => _client.SendRtp(packet);

    /// <summary>Takes all datagrams that are there.</summary>
    public void ReceiveAll(long now)
    {
        while (_socket.Available > 0)
        {
            int length;
            try
            {
                length = _socket.Receive(_in);
            }
            catch (SocketException)
            {
                // The node is gone and the kernel says so (ICMP port unreachable).
                return;
            }

            _client.Receive(_in.AsSpan(0, length), _server, now);
        }
    }

    public Span<byte> Rent() => _out;

    public void Send(int length, in TransportAddress destination)
    {
        try
        {
            _socket.SendTo(_out.AsSpan(0, length), SocketFlags.None, destination.ToIPEndPoint());
        }
        catch (SocketException)
        {
            // As above: what follows tells whether anybody is there.
            return;
        }
    }

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
        // RFC 3550 §5.1: contributing sources and the header extension stand before the payload.
        var start = HeaderLength + (4 * (packet[0] & 0x0F));
        if ((packet[0] & 0x10) != 0)
        {
            start += 4 + (4 * BinaryPrimitives.ReadUInt16BigEndian(packet[(start + 2)..]));
        }

        if (start < packet.Length)
        {
            _onPayload?.Invoke(packet[start..].ToArray());
        }
    }

    public void OnRtcp(ReadOnlySpan<byte> packet, long now)
    {
    }

    public void Dispose()
    {
        _client.Close();
        _client.Dispose();
        _socket.Dispose();
        _connected.TrySetException(new IOException("The link was closed."));

        // Nobody may wait for a link that was replaced.
        _ = _connected.Task.Exception;
    }
}
