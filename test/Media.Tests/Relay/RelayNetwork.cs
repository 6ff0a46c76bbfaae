using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Tests.Simulation;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Relay;

/// <summary>One worker with a relay port on a network in memory; what it sends is kept by its destination.</summary>
internal sealed class RelayNetwork : IDatagramSink, IRelayTransportListener, IDisposable
{
    private readonly DtlsContext _dtls = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
    private readonly byte[] _out = new byte[Datagram.MaxSize];
    private readonly List<RelayPeer> _peers = [];
    private ushort _nextPort = 50_000;

    public RelayNetwork(RelaySettings? settings = null)
    {
        Worker = new MediaWorker(
            new MediaWorkerOptions
            {
                Announced = [TransportAddress.FromIPv4(0x0A000001, 10_000)],
                Relay = settings ?? new RelaySettings(),
                Router = new RouterOptions { Seed = 1, UnixTimeOffset = 1_700_000_000_000_000 },
            },
            _dtls,
            this,
            this);
        Router = Worker.CreateRouter(Channel.ToString(), SilentRouterListener.Instance, Now).Value!;
    }

    public Guid Channel { get; } = Guid.NewGuid();

    public MediaWorker Worker { get; }

    public Router Router { get; }

    public long Now { get; private set; } = 1_000_000;

    /// <summary>Everything sent, unless <see cref="IsUnplugged"/>.</summary>
    public List<(TransportAddress To, byte[] Bytes)> Sent { get; } = [];

    /// <summary>When set, datagrams are only counted: for tests that count allocations.</summary>
    public bool IsUnplugged { get; set; }

    public int SentUnplugged { get; private set; }

    public List<(string Transport, RelayTransportState State)> States { get; } = [];

    public TransportAddress NewAddress() => TransportAddress.FromIPv4(0x0A000002, _nextPort++);

    /// <summary>A client whose transport is there; it has not proved itself.</summary>
    public RelayPeer Join(bool encrypted = false, Guid? user = null)
    {
        var peer = new RelayPeer(this, user ?? Guid.NewGuid(), encrypted, NewAddress());
        _peers.Add(peer);
        return peer;
    }

    /// <summary>One that has proved itself and may speak.</summary>
    public RelayPeer JoinSpeaking(bool encrypted = false)
    {
        var peer = Join(encrypted);
        peer.Start();
        peer.Produce();
        return peer;
    }

    /// <summary>Hands a datagram to the worker.</summary>
    public void Deliver(byte[] datagram, TransportAddress from) => Worker.ReceiveRelay(datagram.ToArray(), from, Now);

    /// <summary>Lets the time pass with all timers.</summary>
    public void Run(long microseconds)
    {
        for (var end = Now + microseconds; Now < end;)
        {
            Now = Math.Min(end, Now + 5_000);
            Worker.Advance(Now);
        }
    }

    /// <summary>What a reason has counted, over everything.</summary>
    public long Dropped(DropReason reason)
    {
        Worker.Advance(Now += 1_100_000);
        return Worker.Stats.Dropped(reason);
    }

    public Span<byte> Rent() => _out;

    public void Send(int length, in TransportAddress destination)
    {
        if (IsUnplugged)
        {
            SentUnplugged++;
            return;
        }

        Sent.Add((destination, _out[..length]));
    }

    public void OnStateChanged(RelayTransport transport, RelayTransportState state) => States.Add((transport.Id, state));

    public void Dispose()
    {
        _peers.ForEach(p => p.Dispose());
        _dtls.Dispose();
    }
}

/// <summary>A packet that a client got, taken apart.</summary>
internal sealed record Heard(RelayHeader Header, byte[] Payload);

/// <summary>A native client on the network in memory.</summary>
internal sealed class RelayPeer : IDisposable
{
    private readonly RelayNetwork _network;
    private readonly byte[] _buffer = new byte[Datagram.MaxSize];
    private int _consumers;

    public RelayPeer(RelayNetwork network, Guid user, bool encrypted, TransportAddress address)
    {
        _network = network;
        User = user;
        Address = address;
        new Random(7 + address.Port).NextBytes(Session);
        new Random(9 + address.Port).NextBytes(Key);
        Transport = network.Worker.CreateRelay(
            network.Router,
            new RelayCredentials($"t{address.Port}", RelayIdentity.Of(user, network.Channel), (byte[])Session.Clone(), (byte[])Key.Clone()),
            network,
            network.Now).Value!;
        Client = new RelayClient(user, network.Channel, Session, encrypted ? Key : null);
    }

    public Guid User { get; }

    public TransportAddress Address { get; set; }

    public byte[] Session { get; } = new byte[16];

    public byte[] Key { get; } = new byte[16];

    public RelayTransport Transport { get; }

    public RelayClient Client { get; }

    public Producer? Producer { get; private set; }

    /// <summary>The client's clock: the network's, at a start of its own.</summary>
    public long Clock => _network.Now + 5_000_000_000;

    public static byte[] Frame(int i) => [0x78, (byte)i, (byte)(i >> 8), 3, 4];

    public byte[] StartPacket() => _buffer[..Client.WriteStart(_buffer, Clock)];

    public byte[] AudioPacket(byte[] opus) => _buffer[..Client.WriteAudio(_buffer, opus, Clock)];

    public byte[] SilencePacket() => _buffer[..Client.WriteSilence(_buffer, Clock)];

    public byte[] StopPacket() => _buffer[..Client.WriteStop(_buffer, Clock)];

    public byte[] PingPacket(byte lost) => _buffer[..Client.WritePing(_buffer, lost, Clock)];

    public void Start() => Send(StartPacket());

    public void Send(byte[] datagram) => _network.Deliver(datagram, Address);

    /// <summary>Speaks that many frames of 20 ms in real time.</summary>
    public void Speak(int frames, int first = 0)
    {
        for (var i = 0; i < frames; i++)
        {
            Send(AudioPacket(Frame(first + i)));
            _network.Run(20_000);
        }
    }

    public Producer Produce() =>
        Producer = Transport.Produce($"p{Address.Port}", MediaKind.Audio, RelayParameters.Producer, false, _network.Now).Value!;

    public Consumer Hear(Producer producer, Guid? user = null)
    {
        var consumer = Transport.Consume($"c{Address.Port}-{_consumers++}", producer.Id, RelayParameters.Capabilities, false, _network.Now).Value!;
        Transport.NameSource(consumer, user ?? Guid.Empty);
        return consumer;
    }

    public Consumer HearMix() => Transport.ConsumeMix($"m{Address.Port}", RelayParameters.Mix, false, _network.Now).Value!;

    /// <summary>All that came so far, of one kind.</summary>
    public Heard[] Received(RelayPacketType type = RelayPacketType.Audio)
    {
        List<Heard> heard = [];
        foreach (var (_, bytes) in _network.Sent.Where(s => s.To == Address))
        {
            Assert.True(Client.TryRead(bytes.ToArray(), out var header, out var payload));
            if (header.Type == type)
            {
                heard.Add(new Heard(header, payload.ToArray()));
            }
        }

        return [.. heard];
    }

    public void Dispose() => Client.Dispose();
}
