using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Bench.Packets;

/// <summary>A worker and its clients, joined by memory.</summary>
internal sealed class Wire : IRouterListener, IWebRtcTransportListener, IWebRtcClientListener, IDisposable
{
    private static readonly TransportAddress Server = TransportAddress.FromIPv4(0x0A000001, 10_000);

    private readonly Queue<(byte[] Data, TransportAddress From, TransportAddress To)> _underWay = new();
    private readonly Dictionary<TransportAddress, WebRtcClient> _clients = [];
    private readonly DtlsContext _certificate;
    private readonly MediaWorker _worker;
    private readonly Router _router;
    private readonly Voice _voice = new();
    private readonly Sink _fromSpeaker;
    private readonly WebRtcClient _speaker;
    private readonly int _receivers;
    private bool _running;
    private long _now = 1_000_000;
    private long _sent;

    public Wire(SrtpProfile profile, int receivers)
    {
        _receivers = receivers;
        _certificate = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)), [profile]);
        _worker = new MediaWorker(new MediaWorkerOptions { Announced = [Server] }, _certificate, new Sink(this, Server));
        _router = _worker.CreateRouter("room", this, _now).Value!;
        var (transport, speaker, sink) = Connect(0);
        (_speaker, _fromSpeaker) = (speaker, sink);
        transport.Produce("voice", MediaKind.Audio, Voice.Parameters, paused: false, _now);
        for (var i = 1; i <= receivers; i++)
        {
            Connect(i).Transport.Consume($"c{i}", "voice", Router.RtpCapabilities, paused: false, _now);
        }

        _running = true;
        Forward();
    }

    /// <summary>One packet of the speaker; returns how many went out.</summary>
    public long Forward()
    {
        _now += 20;
        _sent = 0;
        _speaker.SendRtp(_voice.Next());
        _worker.Receive(_fromSpeaker.Last, _fromSpeaker.Address, _now);
        return _sent >= _receivers ? _sent : throw new InvalidOperationException($"{_sent} of {_receivers} went out.");
    }

    /// <summary>One client comes and goes: ICE, DTLS, both ends.</summary>
    public void ConnectAndLeave()
    {
        _running = false;
        var (transport, client, sink) = Connect(_receivers + 1);
        transport.Close(_now);
        client.Dispose();
        _clients.Remove(sink.Address);
        _underWay.Clear();
        _running = true;
    }

    /// <summary>A transport whose client has connected, and is then gone from this process.</summary>
    public void ConnectAndForgetClient(int index)
    {
        _running = false;
        var (_, client, sink) = Connect(index);
        client.Dispose();
        _clients.Remove(sink.Address);
        _underWay.Clear();
        _running = true;
    }

    public void Dispose()
    {
        _worker.CloseRouter(_router, _now);
        foreach (var client in _clients.Values)
        {
            client.Dispose();
        }

        _certificate.Dispose();
    }

    public void OnStateChanged(WebRtcTransport transport, WebRtcTransportState state)
    {
    }

    public void OnActiveSpeakers(Router router, ReadOnlySpan<Media.Audio.ActiveSpeaker> speakers)
    {
    }

    public void OnProducerClosed(Router router, Producer producer)
    {
    }

    public void OnConsumerClosed(Router router, Consumer consumer)
    {
    }

    public void OnDtls(DtlsEventKind kind)
    {
    }

    public void OnRtp(ReadOnlySpan<byte> packet, long now)
    {
    }

    public void OnRtcp(ReadOnlySpan<byte> packet, long now)
    {
    }

    private (WebRtcTransport Transport, WebRtcClient Client, Sink Sink) Connect(int index)
    {
        var transport = _worker.CreateTransport(_router, $"t{index}", this, _now).Value!;
        var sink = new Sink(this, TransportAddress.FromIPv4(0x0A000002, (ushort)(20_000 + index)));
        var client = new WebRtcClient(_certificate, RemoteTransport.Parse(transport.DescriptionJson), sink, this, _now);
        _clients.Add(sink.Address, client);
        transport.Connect(client.DtlsParameters, _now);
        for (var step = 0; !client.IsConnected || transport.State != WebRtcTransportState.Connected; step++)
        {
            if (step == 1_000)
            {
                throw new TimeoutException("A client did not connect.");
            }

            _now += 1_000;
            client.Advance(_now);
            _worker.Advance(_now);
            while (_underWay.TryDequeue(out var item))
            {
                if (item.To == Server)
                {
                    _worker.Receive(item.Data, item.From, _now);
                }
                else
                {
                    _clients[item.To].Receive(item.Data, item.From, _now);
                }
            }
        }

        return (transport, client, sink);
    }

    private sealed class Sink(Wire wire, TransportAddress address) : IDatagramSink
    {
        private readonly byte[] _buffer = GC.AllocateArray<byte>(Datagram.MaxSize, pinned: true);
        private int _length;

        public TransportAddress Address => address;

        public Span<byte> Last => _buffer.AsSpan(0, _length);

        public Span<byte> Rent() => _buffer;

        public void Send(int length, in TransportAddress destination)
        {
            _length = length;
            wire._sent++;
            if (!wire._running)
            {
                wire._underWay.Enqueue((_buffer[..length], address, destination));
            }
        }
    }
}
