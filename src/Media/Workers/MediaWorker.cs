using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Interop;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Media.Workers;

/// <summary>
/// The world of one thread and one UDP port: its routers and their WebRTC transports. Sans-IO: datagrams and `now`
/// (monotonic microseconds) in, datagrams to the sink out. Nothing here allocates per packet.
/// The way of a datagram: 1. classify by its first bytes; 2. STUN finds its transport by the local ICE fragment, all else
/// by source address, which only ICE enters into the table; 3. the transport does the rest.
/// </summary>
public sealed partial class MediaWorker
{
    /// <summary>Microseconds between two sums over all transports.</summary>
    private const long SumPeriod = 1_000_000;

    private readonly Dictionary<string, Router> _routers = new(StringComparer.Ordinal);
    private readonly Dictionary<Router, RouterTimer> _routerTimers = [];
    private readonly Dictionary<string, WebRtcTransport> _byFragment = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WebRtcTransport>.AlternateLookup<ReadOnlySpan<char>> _byFragmentChars;
    private readonly TupleTable<WebRtcTransport> _byTuple;
    private readonly DeadlineHeap _deadlines = new();
    private readonly TransportSet<WebRtcTransport> _transports;
    private readonly VideoBursts _bursts = new();
    private readonly WebRtcTransport?[] _expected = new WebRtcTransport?[IBatchSocket.BatchSize];
    private long _nextSum;
    private int _isSumWanted;
    private int _sums;

    /// <param name="options">Announced addresses and limits.</param>
    /// <param name="dtls">The node's certificate; not disposed here.</param>
    /// <param name="sink">Where datagrams go.</param>
    /// <param name="relaySink">Where those of the relay port go; null where this worker has no such port.</param>
    public MediaWorker(MediaWorkerOptions options, DtlsContext dtls, IDatagramSink sink, IDatagramSink? relaySink = null)
    {
        Options = options;
        Dtls = dtls;
        WebRtcEndpoint = TransportJson.Endpoint(options.Announced, dtls.Certificate.Fingerprints);
        Sink = new CountingSink(sink, Stats);
        RelaySink = relaySink is null ? null : new CountingSink(relaySink, Stats);
        _transports = new TransportSet<WebRtcTransport>(_deadlines, Stats);
        _pipes = new TransportSet<PipeTransport>(_deadlines, Stats);
        _relayList = new TransportSet<RelayTransport>(_deadlines, Stats);
        _plains = new TransportSet<PlainTransport>(_deadlines, Stats);
        _workerPipes = new TransportSet<WorkerPipe>(_deadlines, Stats, countsDropsOnly: true);
        _byFragmentChars = _byFragment.GetAlternateLookup<ReadOnlySpan<char>>();
        _byTuple = new TupleTable<WebRtcTransport>(options.MaxTransports * IceLiteAgent.MaxTuples);
    }

    /// <summary>The options given.</summary>
    public MediaWorkerOptions Options { get; }

    /// <summary>Counters.</summary>
    public WorkerStats Stats { get; } = new();

    /// <summary>How often <see cref="Stats"/> have been summed over all transports. For any thread.</summary>
    public int Sums => Volatile.Read(ref _sums);

    /// <summary>The worker's rooms by their ids.</summary>
    public IReadOnlyDictionary<string, Router> Routers => _routers;

    /// <summary>Whether another transport would be refused. Clients' transports of every kind count; pipes are the rooms' own. For any thread.</summary>
    public bool IsFull => Stats.Transports + Stats.Relays + Stats.PlainTransports >= Options.MaxTransports;

    internal DtlsContext Dtls { get; }

    /// <summary>What the descriptions of all its WebRTC transports have in common.</summary>
    internal string WebRtcEndpoint { get; }

    internal CountingSink Sink { get; }

    /// <summary>Opens a router; an id that is taken is a conflict.</summary>
    /// <param name="isBranch">The room is at home at another worker of this node.</param>
    public MediaResult<Router> CreateRouter(string id, IRouterListener listener, long now, bool isBranch = false)
    {
        var router = new Router(id, Options.Router, listener) { Bursts = _bursts };
        if (!_routers.TryAdd(id, router))
        {
            return MediaResult<Router>.Refuse(MediaFault.Conflict, "The room is open already.");
        }

        var timer = new RouterTimer(router, isBranch);
        _routerTimers.Add(router, timer);
        _deadlines.Set(timer, now);
        CountRouter(timer, 1);
        return MediaResult<Router>.Ok(router);
    }

    /// <summary>Closes a router with everything in it; no harm when it is closed.</summary>
    public void CloseRouter(Router router, long now)
    {
        if (_routerTimers.Remove(router, out var timer))
        {
            _deadlines.Remove(timer);
            _routers.Remove(router.Id);
            router.Close(now);
            CountRouter(timer, -1);
        }
    }

    /// <summary>Opens a WebRTC transport in a router of this worker.</summary>
    public MediaResult<WebRtcTransport> CreateTransport(Router router, string id, IWebRtcTransportListener listener, long now)
    {
        if (IsFull)
        {
            return MediaResult<WebRtcTransport>.Refuse(MediaFault.Full, "The media node has no room for another transport.");
        }

        if (router.IsClosed)
        {
            return MediaResult<WebRtcTransport>.Refuse(MediaFault.Closed, "The room is closed.");
        }

        if (router.Transports.ContainsKey(id))
        {
            return MediaResult<WebRtcTransport>.Refuse(MediaFault.Conflict, "The transport id is taken.");
        }

        var transport = new WebRtcTransport(this, router, id, listener);
        _transports.Add(transport, now);
        MapFragment(transport.Ice.Local.UsernameFragment, transport);
        Stats.Transports = _transports.Count;
        return MediaResult<WebRtcTransport>.Ok(transport);
    }

    /// <summary>Says that several datagrams follow: those of one frame of video are forwarded together at <see cref="EndBatch"/>.</summary>
    public void BeginBatch() => _bursts.Begin();

    /// <summary>Says from where the datagram at a place of the batch comes, so that what is known of its sender can be asked for ahead.</summary>
    public void Expect(int place, in TransportAddress from)
    {
        var transport = _byTuple.Find(from);
        _expected[place] = transport;
        Prefetch.Object(transport, 512);
    }

    /// <summary>Asks for what the next datagrams of the batch need: to be called for each, after all are expected and before it is received.</summary>
    public void LookAhead(int place, int count)
    {
        if (place + 3 < count)
        {
            _expected[place + 3]?.PrefetchReceiver();
        }

        if (place + 2 < count)
        {
            _expected[place + 2]?.PrefetchReceiverKeys();
        }

        if (place + 1 < count)
        {
            _expected[place + 1]?.PrefetchReceiverStreams();
        }
    }

    /// <summary>Forwards what has been kept since <see cref="BeginBatch"/>. Each batch ends before commands or timers run.</summary>
    public void EndBatch(long now) => _bursts.End(now);

    /// <summary>Takes one datagram; the span is decrypted in place.</summary>
    public void Receive(Span<byte> datagram, in TransportAddress from, long now)
    {
        Stats.DatagramsReceived++;
        Stats.BytesReceived += datagram.Length;
        if (!from.IsReachable)
        {
            // Such an address must not become anybody's tuple: sending there is an error that others' datagrams would pay for.
            Stats.CountDrop(DropReason.UnknownSource);
            return;
        }

        // :: Step 1
        var kind = DatagramKinds.Classify(datagram);
        if (kind == DatagramKind.Unknown)
        {
            Stats.CountDrop(DropReason.UnknownProtocol);
            return;
        }

        // :: Step 2. Requests go by fragment even from a known address: a browser may reuse its port for a new transport.
        if (kind == DatagramKind.Stun)
        {
            ReceiveStun(datagram, from, now);
            return;
        }

        // RFC 8445 §12 and CVE-2023-49786: only a tuple that ICE validated may bring DTLS or media.
        var transport = _byTuple.Find(from);
        if (transport is null)
        {
            if (TryReceiveFromPipe(kind, datagram, from, now))
            {
                return;
            }

            Stats.CountDrop(kind == DatagramKind.Dtls ? DropReason.DtlsRejected : DropReason.UnknownSource);
            return;
        }

        // :: Step 3
        switch (kind)
        {
            case DatagramKind.Rtp:
                transport.ReceiveSrtp(datagram, now);
                break;
            case DatagramKind.Rtcp:
                transport.ReceiveSrtcp(datagram, now);
                break;
            default:
                transport.ReceiveDtls(datagram, from, now);
                break;
        }

        // What came can bring the transport's next report, NACK or retransmission forward.
        _deadlines.NoLaterThan(transport.Timer, transport.Deadline);
    }

    /// <summary>Lets a transport run its timers at once, after a command has changed what it does.</summary>
    public void RunSoon(WebRtcTransport transport, long now) => RunSoon(transport.Timer, now);

    /// <summary>Runs what is due; returns when to call again at the latest.</summary>
    public long Advance(long now)
    {
        _deadlines.RunDue(now);
        if (now >= _nextSum || Volatile.Read(ref _isSumWanted) != 0)
        {
            Volatile.Write(ref _isSumWanted, 0);
            _nextSum = now + SumPeriod;
            Sum();
        }

        return Math.Min(_deadlines.Next, _nextSum);
    }

    /// <summary>Lets the next <see cref="Advance"/> sum anew. From any thread.</summary>
    public void WantSum() => Volatile.Write(ref _isSumWanted, 1);

    internal void MapFragment(string fragment, WebRtcTransport transport) => _byFragment[fragment] = transport;

    internal void UnmapFragment(string fragment) => _byFragment.Remove(fragment);

    internal bool MapTuple(in TransportAddress tuple, WebRtcTransport transport) => _byTuple.TrySet(tuple, transport);

    internal void UnmapTuple(in TransportAddress tuple, WebRtcTransport transport) => _byTuple.Remove(tuple, transport);

    internal void RunSoon(Timed timer, long now) => _deadlines.NoLaterThan(timer, now);

    /// <summary>A closing transport leaves the tables; its counters stay in the sums.</summary>
    internal void Forget(WebRtcTransport transport)
    {
        _transports.Remove(transport);
        Stats.Transports = _transports.Count;
    }

    private void ReceiveStun(Span<byte> datagram, in TransportAddress from, long now)
    {
        var transport = FindByFragment(datagram);
        if (transport is null)
        {
            // Unknown fragments get no answer: there is nothing to reflect from this port.
            Stats.CountDrop(DropReason.StunUnauthenticated);
            return;
        }

        transport.ReceiveStun(datagram, from, now);
    }

    private WebRtcTransport? FindByFragment(ReadOnlySpan<byte> datagram)
    {
        // RFC 8445 §5.3: a fragment has at most 256 characters; ours have far fewer.
        if (!IceLiteAgent.TryGetLocalUfrag(datagram, out var fragment) || fragment.Length > 64)
        {
            return null;
        }

        Span<char> chars = stackalloc char[64];
        for (var i = 0; i < fragment.Length; i++)
        {
            chars[i] = (char)fragment[i];
        }

        return _byFragmentChars.TryGetValue(chars[..fragment.Length], out var transport) ? transport : null;
    }

    private void Sum()
    {
        Span<long> drops = stackalloc long[WorkerStats.Reasons];
        var totals = Stats.BeginSum(drops);
        _transports.Sum(ref totals, drops);
        _relayList.Sum(ref totals, drops);
        _plains.Sum(ref totals, drops);
        _pipes.Sum(ref totals, drops);
        _workerPipes.Sum(ref totals, drops);
        var (producers, consumers) = (0, 0);
        foreach (var pipe in _pipes)
        {
            // Of clients there is no more for a room's being on several nodes.
            producers -= pipe.Producers.Count;
            consumers -= pipe.Consumers.Count;
        }

        foreach (var pipe in _workerPipes)
        {
            producers -= pipe.Producers.Count;
            consumers -= pipe.Consumers.Count;
        }

        Stats.EndSum(totals, drops);
        foreach (var router in _routers.Values)
        {
            producers += router.Producers.Count;
            consumers += router.Consumers.Count;
        }

        (Stats.Producers, Stats.Consumers) = (producers, consumers);
        Volatile.Write(ref _sums, _sums + 1);
    }

    private void CountRouter(RouterTimer timer, int change)
    {
        if (timer.IsBranch)
        {
            Stats.Branches += change;
        }
        else
        {
            Stats.Routers += change;
        }
    }

    /// <summary>A router's speakers.</summary>
    private sealed class RouterTimer(Router router, bool isBranch) : Timed
    {
        public bool IsBranch => isBranch;

        internal override long Run(long now) => router.Advance(now);
    }
}
