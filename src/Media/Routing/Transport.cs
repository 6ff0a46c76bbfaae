using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// One remote endpoint's way in and out of a router. Sans-IO and single-threaded: the concrete transport feeds it
/// decrypted packets and gives it buffers to fill; `now` is monotonic microseconds. RTCP is in the other part.
/// </summary>
public abstract partial class Transport
{
    /// <summary>Streams that one remote may open.</summary>
    private const int MaxStreams = 256;

    private readonly StreamTable _streams = new(MaxStreams);
    private readonly List<Producer> _producers = [];
    private readonly List<Consumer> _consumers = [];
    private readonly Dictionary<Ssrc, Consumer> _consumersBySsrc = [];
    private ushort _nextTransportSequence;

    protected Transport(Router router, string id)
        : this(router, id, new Ssrc(router.NextSsrc()))
    {
    }

    private protected Transport(Router router, string id, Ssrc rtcpSsrc)
    {
        Router = router;
        Id = id;
        _rtcpSsrc = rtcpSsrc;
        _remb = new RembGenerator(router.Options.MinIncomingBitrate, router.Options.MaxIncomingBitrate);
        IsClosed = !router.TryAdd(this);
    }

    public string Id { get; }

    /// <summary>Whose transport it is: nobody gets its own voice back in a slot or in the mix. By default the transport stands for itself.</summary>
    public string Owner
    {
        get => field ?? Id;
        set;
    }

    public Router Router { get; }

    /// <summary>Also true from the start when the router is closed or has a transport of this id.</summary>
    public bool IsClosed { get; private set; }

    public TransportStats Stats { get; } = new();

    public IReadOnlyList<Producer> Producers => _producers;

    public IReadOnlyList<Consumer> Consumers => _consumers;

    /// <summary>When <see cref="Advance"/> is next due. Receiving a packet can bring it forward.</summary>
    public long Deadline { get; private set; }

    internal SenderClock SenderClock { get; } = new();

    /// <summary>A decrypted RTP packet; the span may be modified.</summary>
    public void ReceiveRtp(Span<byte> packet, long now)
    {
        if (IsClosed)
        {
            return;
        }

        Stats.RtpPacketsReceived++;
        Stats.RtpBytesReceived += packet.Length;
        var reason = Route(packet, now);
        if (reason != DropReason.None)
        {
            Stats.CountDrop(reason);
        }

        if (now >= Deadline)
        {
            Advance(now);
        }
    }

    /// <summary>Accepts a producer of the remote.</summary>
    /// <param name="owner">Whose it is, if not the transport's own.</param>
    public virtual MediaResult<Producer> Produce(string id, MediaKind kind, RtpParameters parameters, bool paused, long now, string? owner = null)
    {
        if (IsClosed || Router.IsClosed)
        {
            return MediaResult<Producer>.Refuse(MediaFault.Closed, "The transport is closed.");
        }

        if (Router.Producers.ContainsKey(id))
        {
            return MediaResult<Producer>.Refuse(MediaFault.Conflict, $"There is a producer {id} already.");
        }

        if (_producers.Count >= MaxProducers)
        {
            return MediaResult<Producer>.Refuse(MediaFault.Full, $"A transport has at most {MaxProducers} producers.");
        }

        if (ParameterValidation.Check(parameters) is { } invalid)
        {
            return MediaResult<Producer>.Refuse(MediaFault.Invalid, invalid);
        }

        if (Ortc.MapProducer(parameters, kind, Router.AllCapabilities, out var error) is not { } mapping)
        {
            return MediaResult<Producer>.Refuse(MediaFault.Unsupported, error!);
        }

        if (parameters.Encodings.Length == 0)
        {
            parameters = parameters with { Encodings = [new RtpEncodingParameters()] };
        }

        if (string.IsNullOrEmpty(parameters.Rtcp.Cname))
        {
            parameters = parameters with { Rtcp = parameters.Rtcp with { Cname = $"{_rtcpSsrc}@{Id}" } };
        }

        if (_streams.CheckNew(parameters) is { } conflict)
        {
            return MediaResult<Producer>.Refuse(MediaFault.Conflict, conflict);
        }

        var consumable = Ortc.MakeConsumable(parameters, kind, Router.AllCapabilities, mapping);
        var producer = new Producer(this, id, kind, parameters, consumable, mapping, paused) { Owner = owner ?? Owner };
        _streams.Add(producer);
        _producers.Add(producer);
        Router.Add(producer, now);
        LearnFeedback(parameters);
        Deadline = Math.Min(Deadline, now);
        foreach (var recorder in Router.Recorders)
        {
            recorder.Record(producer, now);
        }

        return MediaResult<Producer>.Ok(producer);
    }

    /// <summary>Closes its producers and consumers and leaves the router. The concrete transport overrides to free its own.</summary>
    public virtual void Close(long now)
    {
        if (IsClosed)
        {
            return;
        }

        IsClosed = true;
        foreach (var producer in _producers.ToArray())
        {
            producer.Close(now);
        }

        foreach (var consumer in _consumers.ToArray())
        {
            consumer.Close(now);
        }

        Router.Remove(this);
    }

    /// <summary>False for what is no participant's: a pipe to another node, a recorder.</summary>
    internal virtual bool IsClient => true;

    private protected virtual int MaxProducers => Router.Options.MaxProducersPerTransport;

    private protected virtual int MaxConsumers => Router.Options.MaxConsumersPerTransport;

    /// <summary>At least <see cref="Net.Datagram.MaxSize"/> bytes including room for the SRTP tag; empty while not connected.</summary>
    protected internal abstract Span<byte> RentPacket();

    /// <summary>Protects the first <paramref name="length"/> bytes of the rented buffer in place as SRTP and queues them.</summary>
    protected internal abstract void CommitRtp(int length, long now);

    /// <summary>The same as SRTCP.</summary>
    protected internal abstract void CommitRtcp(int length, long now);

    /// <summary>Whether the mix comes every 20 ms also while nobody speaks.</summary>
    protected internal virtual bool FillsMix => false;

    /// <summary>To be called when the transport becomes able to send: waiting video consumers then ask for key frames.</summary>
    protected void OnConnected(long now)
    {
        Deadline = Math.Min(Deadline, now);
        foreach (var consumer in _consumers)
        {
            consumer.OnConnected(now);
        }
    }

    /// <summary>Asks for what this object points to, before its next packet (<see cref="Interop.Prefetch"/>).</summary>
    internal virtual void PrefetchState() => Interop.Prefetch.Object(Stats, 192);

    /// <summary>The next step: the keys.</summary>
    internal virtual void PrefetchKeys()
    {
    }

    /// <summary>The last step: what is known of the streams under those keys.</summary>
    internal virtual void PrefetchStreams()
    {
    }

    internal void SendRtp(int length, long now)
    {
        Stats.RtpPacketsSent++;
        Stats.RtpBytesSent += length;
        NoteSent(length, now);
        CommitRtp(length, now);
    }

    internal ushort NextTransportSequence()
    {
        _isNumbered = true;
        return _nextTransportSequence++;
    }

    internal virtual void OnProducerClosed(Producer producer)
    {
        _producers.Remove(producer);
        _streams.Remove(producer);
    }

    internal virtual void OnConsumerClosed(Consumer consumer)
    {
        _consumers.Remove(consumer);
        _allocateAt = 0;
        _consumersBySsrc.Remove(consumer.Sender.Ssrc);
    }

    private DropReason Route(Span<byte> bytes, long now)
    {
        if (!RtpPacket.TryParse(bytes, out var packet))
        {
            return DropReason.RtpMalformed;
        }

        NoteArrival(packet, now);
        if (!_streams.TryFind(packet, out var binding))
        {
            return DropReason.UnknownStream;
        }

        var stream = binding.Stream;
        if (!stream.IsOpen && !binding.IsRtx)
        {
            stream.IsOpen = true;
            OnStreamOpened(stream, binding.IsNew, now);
        }

        var reason = binding.IsRtx ? Restore(stream, packet, now) : Deliver(stream, ref packet, isRetransmission: false, now);
        if (stream.Nack is { Count: > 0 })
        {
            Deadline = Math.Min(Deadline, now + NackGenerator.MinPatience);
        }

        return reason;
    }

    private static DropReason Deliver(RtpStreamReceiver stream, ref RtpPacket packet, bool isRetransmission, long now)
        => stream.Producer.Receive(stream, ref packet, isRetransmission, now, out var reason) ? DropReason.None : reason;

    private DropReason Restore(RtpStreamReceiver stream, RtpPacket packet, long now)
    {
        Stats.RtxPacketsReceived++;
        stream.RtxStatistics ??= new ReceptionStatistics(stream.ClockRate);
        if (!stream.RtxStatistics.TryAccept(packet.SequenceNumber, out _, out _))
        {
            return DropReason.Duplicate;
        }

        stream.RtxStatistics.CountReceived(packet.Timestamp, now);
        if (stream.Producer.AssociatedOf(packet.PayloadType) is not { } payloadType)
        {
            return DropReason.UnknownPayloadType;
        }

        // A probe without payload is no error, and nothing to forward.
        return !Rtx.TryRestore(packet, stream.Ssrc, payloadType, out var original)
            ? DropReason.None
            : Deliver(stream, ref original, isRetransmission: true, now);
    }

    private static void OnStreamOpened(RtpStreamReceiver stream, bool isNew, long now)
    {
        if (!isNew && stream.Producer.Streams.Length == 1)
        {
            // Declared, and the only one: consumers have chosen it and asked for its key frame when they came.
            return;
        }

        foreach (var consumer in stream.Producer.Consumers)
        {
            consumer.Transport.Allocate(now);
            consumer.ChooseTarget(now);
            consumer.OnConnected(now);
        }
    }
}
