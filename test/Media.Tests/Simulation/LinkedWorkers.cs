using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>One room on two workers of a process, in virtual time and on one thread, with clients without encryption at both.</summary>
internal sealed class LinkedWorkers : IDatagramSink, IRouterListener, IDisposable
{
    private const int Pipe = 1;
    private const long Step = 1_000;

    private readonly DtlsContext _dtls = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
    private readonly byte[] _buffer = new byte[Datagram.MaxSize];
    private readonly List<LoopbackTransport> _clients = [];

    public LinkedWorkers(int capacity = DatagramRing.DefaultCapacity, bool opensFarEnd = true)
    {
        var (one, other) = WorkerLink.Create(() => Wakes++, () => Wakes++, capacity);
        (A, B) = (Make(1), Make(2));
        (RoomA, RoomB) = (A.CreateRouter("room", this, Now).Value!, B.CreateRouter("room", this, Now, isBranch: true).Value!);
        PipeA = A.CreateWorkerPipe(RoomA, "pipe", Pipe, one, Now).Value!;
        Ends = (one, other);
        PipeB = opensFarEnd ? B.CreateWorkerPipe(RoomB, "pipe", Pipe, other, Now).Value! : null!;
    }

    public (WorkerLink One, WorkerLink Other) Ends { get; }

    public MediaWorker A { get; }

    public MediaWorker B { get; }

    public Router RoomA { get; }

    public Router RoomB { get; }

    public WorkerPipe PipeA { get; }

    public WorkerPipe PipeB { get; }

    public long Now { get; private set; } = 1_000_000;

    /// <summary>How often a worker was woken for what another had sent.</summary>
    public int Wakes { get; private set; }

    /// <summary>While false, B does not read.</summary>
    public bool IsBAwake { get; set; } = true;

    /// <summary>Carries a producer of A to B.</summary>
    public Producer Carry(string producerId)
    {
        var consumed = PipeA.ConsumeForPipe(producerId, Now);
        Assert.True(consumed.IsOk, consumed.Error);
        var source = consumed.Value.Producer;
        var produced = PipeB.Produce(producerId, source.Kind, consumed.Value.RtpParameters, source.IsPaused, Now, source.Owner);
        Assert.True(produced.IsOk, produced.Error);
        return produced.Value;
    }

    public LoopbackTransport Join(Router room, string name)
    {
        var client = new LoopbackTransport(room, name);
        _clients.Add(client);
        return client;
    }

    public void Run(long duration)
    {
        for (var end = Now + duration; Now < end;)
        {
            Tick();
        }
    }

    public void Tick()
    {
        Now += Step;
        foreach (var client in _clients)
        {
            if (client.Deadline <= Now)
            {
                client.Advance(Now);
            }
        }

        Run(A);
        if (IsBAwake)
        {
            Run(B);
        }
    }

    public Span<byte> Rent() => _buffer;

    public void Send(int length, in TransportAddress destination) => Assert.Fail("Nothing between workers goes to the network.");

    public void OnActiveSpeakers(Router router, ReadOnlySpan<ActiveSpeaker> speakers)
    {
    }

    public void OnProducerClosed(Router router, Producer producer)
    {
    }

    public void OnConsumerClosed(Router router, Consumer consumer)
    {
    }

    public void Dispose()
    {
        A.CloseRouter(RoomA, Now);
        B.CloseRouter(RoomB, Now);
        _dtls.Dispose();
    }

    private void Run(MediaWorker worker)
    {
        while (worker.ReceiveFromWorkers(Now) >= IBatchSocket.BatchSize)
        {
            worker.FlushLinks();
        }

        worker.Advance(Now);
        worker.FlushLinks();
    }

    private MediaWorker Make(byte host) => new(
        new MediaWorkerOptions { Announced = [TransportAddress.FromIPv4(0x0A000000u + host, 10_000)], Router = new RouterOptions { UnixTimeOffset = 1_700_000_000_000_000 } },
        _dtls,
        this);
}
