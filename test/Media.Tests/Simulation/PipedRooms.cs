using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>Two nodes with a worker each, a network between them in virtual time, and clients without encryption at both.</summary>
internal sealed class PipedRooms : IDisposable
{
    private const long Step = 1_000;

    private readonly DtlsContext _dtls = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
    private readonly Random _random = new(7);

    public PipedRooms(double loss = 0, long delay = 0, long jitter = 0)
    {
        A = new Node(this, TransportAddress.FromIPv4(0x0A000001, 10_000), new SimulatedLink(_random, loss, delay, jitter));
        B = new Node(this, TransportAddress.FromIPv4(0x0A000002, 10_000), new SimulatedLink(_random, loss, delay, jitter));
    }

    public Node A { get; }

    public Node B { get; }

    public long Now { get; private set; } = 1_000_000;

    /// <summary>When set, datagrams are counted and go nowhere.</summary>
    public bool IsUnplugged { get; set; }

    /// <summary>Looks at every datagram before it is sent; false loses it.</summary>
    public Func<Node, byte[], bool>? Filter { get; set; }

    /// <summary>The two ends of a room's pipe, told of each other.</summary>
    public (PipeTransport A, PipeTransport B) Connect(string room = "room", bool enableRtx = true)
    {
        var (a, b) = Open(room, enableRtx);
        Assert.Null(a.Connect(B.Address, b.SrtpParameters, b.RtcpSsrc, Now));
        Assert.Null(b.Connect(A.Address, a.SrtpParameters, a.RtcpSsrc, Now));
        RunUntil(() => a.IsBound && b.IsBound);
        return (a, b);
    }

    /// <summary>The two ends, not told of each other yet.</summary>
    public (PipeTransport A, PipeTransport B) Open(string room = "room", bool enableRtx = true)
    {
        return (A.Open(room, enableRtx), B.Open(room, enableRtx));
    }

    /// <summary>Carries a producer of one end's router to the other's.</summary>
    public Producer Pipe(PipeTransport from, PipeTransport to, string producerId)
    {
        var consumed = from.ConsumeForPipe(producerId, Now);
        Assert.True(consumed.IsOk, consumed.Error);
        var source = consumed.Value.Producer;
        var produced = to.Produce(producerId, source.Kind, consumed.Value.RtpParameters, source.IsPaused, Now);
        Assert.True(produced.IsOk, produced.Error);
        return produced.Value;
    }

    public void Run(long duration)
    {
        for (var end = Now + duration; Now < end;)
        {
            Tick();
        }
    }

    public void RunUntil(Func<bool> condition)
    {
        for (var end = Now + 30_000_000; !condition(); Tick())
        {
            Assert.True(Now < end, "The state did not come within 30 s of virtual time.");
        }
    }

    public void Tick()
    {
        Now += Step;
        A.Deliver(B);
        B.Deliver(A);
        A.Advance();
        B.Advance();
    }

    public void Dispose()
    {
        A.Close();
        B.Close();
        _dtls.Dispose();
    }

    /// <summary>One worker with its routers and their clients.</summary>
    internal sealed class Node : IDatagramSink, IRouterListener
    {
        private readonly PipedRooms _rooms;
        private readonly SimulatedLink _out;
        private readonly byte[] _buffer = new byte[Datagram.MaxSize];
        private readonly List<LoopbackTransport> _clients = [];
        private int _length;

        public Node(PipedRooms rooms, TransportAddress address, SimulatedLink link)
        {
            _rooms = rooms;
            _out = link;
            Address = address;
            Worker = new MediaWorker(
                new MediaWorkerOptions { Announced = [address], Router = new RouterOptions { UnixTimeOffset = 1_700_000_000_000_000 } }, rooms._dtls, this);
        }

        public TransportAddress Address { get; }

        public MediaWorker Worker { get; }

        public SimulatedLink Link => _out;

        /// <summary>Datagrams sent.</summary>
        public int Sent { get; private set; }

        /// <summary>The datagram sent last.</summary>
        public Span<byte> Last => _buffer.AsSpan(0, _length);

        public List<string[]> Speakers { get; } = [];

        /// <summary>Whether reports of speakers are kept; not while allocations are counted.</summary>
        public bool Keeps { get; set; } = true;

        public Router Room(string id = "room") =>
            Worker.Routers.TryGetValue(id, out var router) ? router : Worker.CreateRouter(id, this, _rooms.Now).Value!;

        public PipeTransport Open(string room, bool enableRtx) => Worker.CreatePipeTransport(Room(room), "pipe", _rooms.Now, enableRtx: enableRtx).Value!;

        public LoopbackTransport Join(string name, string room = "room")
        {
            var client = new LoopbackTransport(Room(room), name);
            _clients.Add(client);
            return client;
        }

        public Span<byte> Rent() => _buffer;

        public void Send(int length, in TransportAddress destination)
        {
            Sent++;
            _length = length;
            if (_rooms.IsUnplugged || (_rooms.Filter is { } filter && !filter(this, _buffer[..length])))
            {
                return;
            }

            Assert.Equal((this == _rooms.A ? _rooms.B : _rooms.A).Address, destination);
            _out.Send(_buffer.AsSpan(0, length), isRtcp: false, _rooms.Now);
        }

        public void Deliver(Node other)
        {
            while (_out.TryReceive(_rooms.Now, out var datagram, out _))
            {
                other.Worker.Receive(datagram, Address, _rooms.Now);
            }
        }

        public void Advance()
        {
            foreach (var client in _clients)
            {
                if (client.Deadline <= _rooms.Now)
                {
                    client.Advance(_rooms.Now);
                }
            }

            Worker.Advance(_rooms.Now);
        }

        public void Close()
        {
            foreach (var router in Worker.Routers.Values.ToArray())
            {
                Worker.CloseRouter(router, _rooms.Now);
            }
        }

        public void OnActiveSpeakers(Router router, ReadOnlySpan<ActiveSpeaker> speakers)
        {
            if (!Keeps)
            {
                return;
            }

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
}
