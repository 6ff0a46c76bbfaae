using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Transports;

/// <summary>One worker and its clients on a network in memory, with a clock that moves only when told.</summary>
internal sealed class MemoryNetwork : IDisposable
{
    /// <summary>Microseconds of one step of the clock.</summary>
    private const long Step = 5_000;

    private readonly Dictionary<TransportAddress, Receiver> _receivers = [];
    private readonly List<MemoryClient> _clients = [];
    private readonly Queue<Delivery> _underWay = new();
    private readonly DtlsContext _serverDtls = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
    private ushort _nextPort = 40_000;

    public MemoryNetwork(MediaWorkerOptions? options = null)
    {
        Worker = new MediaWorker(options ?? new MediaWorkerOptions { Announced = [ServerAddress] }, _serverDtls, new Sink(this, ServerAddress));
        _receivers.Add(ServerAddress, (datagram, from) => Worker.Receive(datagram, from, Now));
        Router = Worker.CreateRouter("room", Listener, Now).Value!;
    }

    private delegate void Receiver(Span<byte> datagram, TransportAddress from);

    public static TransportAddress ServerAddress { get; } = TransportAddress.FromIPv4(0x0A000001, 10_000);

    public long Now { get; private set; } = 1_000_000;

    public MediaWorker Worker { get; }

    public Router Router { get; }

    public RecordingListener Listener { get; } = new();

    /// <summary>Datagrams that went to an address nobody has.</summary>
    public int SentToNobody { get; private set; }

    /// <summary>When set, what is sent stays with its sender and is only counted: for tests that count allocations.</summary>
    public bool IsUnplugged { get; set; }

    /// <summary>Datagrams sent while unplugged.</summary>
    public int SentUnplugged { get; private set; }

    /// <summary>Looks at every datagram before its delivery; false loses it.</summary>
    public Func<TransportAddress, TransportAddress, byte[], bool>? Filter { get; set; }

    public WebRtcTransport CreateTransport(string id) => Worker.CreateTransport(Router, id, Listener, Now).Value!;

    /// <summary>A client that knows the transport's description; the transport does not know the client yet.</summary>
    public MemoryClient CreateClient(WebRtcTransport transport, DtlsRole role = DtlsRole.Client)
    {
        var address = TransportAddress.FromIPv4(0x0A000002, _nextPort++);
        var client = new MemoryClient(this, address, RemoteTransport.Parse(transport.DescriptionJson), new Sink(this, address), role);
        _receivers.Add(address, (datagram, from) => client.Rtc.Receive(datagram, from, Now));
        _clients.Add(client);
        return client;
    }

    /// <summary>A transport and a client with media flowing between them.</summary>
    public (WebRtcTransport Transport, MemoryClient Client) Connect(string id, DtlsRole role = DtlsRole.Client)
    {
        var transport = CreateTransport(id);
        var client = CreateClient(transport, role);
        Assert.Null(transport.Connect(client.Rtc.DtlsParameters, Now));
        RunUntil(() => client.Rtc.IsConnected && transport.State == WebRtcTransportState.Connected);
        return (transport, client);
    }

    /// <summary>The client goes silent, as when its network is gone.</summary>
    public void Silence(MemoryClient client)
    {
        _clients.Remove(client);
        _receivers.Remove(client.Address);
    }

    /// <summary>Puts a datagram on the network.</summary>
    public void Inject(ReadOnlySpan<byte> datagram, TransportAddress from, TransportAddress to) =>
        _underWay.Enqueue(new Delivery(datagram.ToArray(), from, to));

    /// <summary>Lets time pass.</summary>
    public void Run(TimeSpan duration)
    {
        for (var end = Now + (duration.Ticks / TimeSpan.TicksPerMicrosecond); Now < end;)
        {
            Tick();
        }
    }

    /// <summary>Lets time pass until something holds; fails after 60 s of virtual time.</summary>
    public void RunUntil(Func<bool> condition)
    {
        for (var end = Now + 60_000_000; !condition(); Tick())
        {
            Assert.True(Now < end, "The state did not come within 60 s of virtual time.");
        }
    }

    /// <summary>The same by the machine's clock, for what OpenSSL times itself.</summary>
    public void RunInRealTimeUntil(Func<bool> condition, TimeSpan deadline)
    {
        var start = Now;
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < deadline, $"The state did not come within {deadline}.");
            Now = start + (clock.Elapsed.Ticks / TimeSpan.TicksPerMicrosecond);
            Deliver();
            Thread.Yield();
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients)
        {
            client.Rtc.Dispose();
        }

        Worker.CloseRouter(Router, Now);
        _serverDtls.Dispose();
    }

    private void Tick()
    {
        Deliver();
        Now += Step;
    }

    private void Deliver()
    {
        foreach (var client in _clients)
        {
            client.Rtc.Advance(Now);
        }

        Worker.Advance(Now);
        while (_underWay.TryDequeue(out var delivery))
        {
            if (Filter is { } filter && !filter(delivery.From, delivery.To, delivery.Data))
            {
                continue;
            }

            if (_receivers.TryGetValue(delivery.To, out var receive))
            {
                receive(delivery.Data, delivery.From);
            }
            else
            {
                SentToNobody++;
            }
        }
    }

    private sealed record Delivery(byte[] Data, TransportAddress From, TransportAddress To);

    internal sealed class Sink(MemoryNetwork network, TransportAddress from) : IDatagramSink
    {
        private readonly byte[] _buffer = new byte[Datagram.MaxSize];
        private int _length;

        /// <summary>The datagram sent last.</summary>
        public Span<byte> Last => _buffer.AsSpan(0, _length);

        public Span<byte> Rent() => _buffer;

        public void Send(int length, in TransportAddress destination)
        {
            _length = length;
            if (network.IsUnplugged)
            {
                network.SentUnplugged++;
                return;
            }

            network.Inject(_buffer.AsSpan(0, length), from, destination);
        }
    }
}

/// <summary>A client of a <see cref="MemoryNetwork"/> that keeps what it receives.</summary>
internal sealed class MemoryClient : IWebRtcClientListener
{
    public MemoryClient(MemoryNetwork network, TransportAddress address, RemoteTransport remote, MemoryNetwork.Sink sink, DtlsRole role)
    {
        Address = address;
        Sink = sink;
        Context = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
        Rtc = new WebRtcClient(Context, remote, sink, this, network.Now, role);
    }

    public TransportAddress Address { get; }

    public MemoryNetwork.Sink Sink { get; }

    public DtlsContext Context { get; }

    public WebRtcClient Rtc { get; }

    public List<byte[]> Rtp { get; } = [];

    public List<byte[]> Rtcp { get; } = [];

    public List<DtlsEventKind> DtlsEvents { get; } = [];

    public void OnDtls(DtlsEventKind kind) => DtlsEvents.Add(kind);

    public void OnRtp(ReadOnlySpan<byte> packet, long now) => Rtp.Add(packet.ToArray());

    public void OnRtcp(ReadOnlySpan<byte> packet, long now) => Rtcp.Add(packet.ToArray());
}

/// <summary>Keeps what routers and transports tell.</summary>
internal sealed class RecordingListener : IRouterListener, IWebRtcTransportListener
{
    public List<(string Transport, WebRtcTransportState State)> States { get; } = [];

    public List<string[]> Speakers { get; } = [];

    public void OnStateChanged(WebRtcTransport transport, WebRtcTransportState state) => States.Add((transport.Id, state));

    public void OnActiveSpeakers(Router router, ReadOnlySpan<Audio.ActiveSpeaker> speakers)
    {
        var ids = new string[speakers.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = speakers[i].Producer.Id;
        }

        Speakers.Add(ids);
    }

    public void OnProducerClosed(Router router, Producer producer)
    {
    }

    public void OnConsumerClosed(Router router, Consumer consumer)
    {
    }
}
