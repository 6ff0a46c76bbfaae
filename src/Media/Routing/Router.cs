using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Mixing;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Routing;

/// <summary>One room's media: transports, producers and consumers, owned by one worker thread.</summary>
public sealed class Router
{
    private readonly Dictionary<string, Transport> _transports = [];
    private readonly Dictionary<string, Producer> _producers = [];
    private readonly Dictionary<string, Consumer> _consumers = [];
    private readonly Random _random;
    private RouterTotals _retired;

    public Router(string id, RouterOptions? options = null, IRouterListener? listener = null)
    {
        Id = id;
        Options = options ?? new RouterOptions();
        Listener = listener ?? SilentRouterListener.Instance;
        MeasuresVideo = Options.AdaptsVideo;
        _random = Options.Seed == 0 ? new Random() : new Random(Options.Seed);
    }

    public string Id { get; }

    public RouterOptions Options { get; }

    public IRouterListener Listener { get; }

    /// <summary>What clients are told unless more is asked for. The same for all routers.</summary>
    public static RtpCapabilities RtpCapabilities { get; } = SupportedCapabilities.Create();

    /// <summary>What routers can carry: also redundant audio, for who has it from elsewhere.</summary>
    internal static RtpCapabilities AllCapabilities { get; } = SupportedCapabilities.Create(withRed: true);

    /// <summary>What this router's clients are told.</summary>
    public RtpCapabilities OfferedCapabilities => Options.OffersRed ? AllCapabilities : RtpCapabilities;

    public IReadOnlyDictionary<string, Transport> Transports => _transports;

    public IReadOnlyDictionary<string, Producer> Producers => _producers;

    public IReadOnlyDictionary<string, Consumer> Consumers => _consumers;

    public bool IsClosed { get; private set; }

    /// <summary>Consumers of clients. One word, so that other threads may look at it.</summary>
    public int ClientConsumers { get; private set; }

    /// <summary>Whether somebody here receives whoever speaks, in a slot or in the mix: then every voice of the room is needed. Likewise for other threads.</summary>
    public bool HearsEverybody => Mixer is not null || Loudest.Sets > (Top.Limit > 0 ? 1 : 0);

    internal ActiveSpeakerDetector Speakers { get; } = new();

    /// <summary>Who is in which slot, and among the top speakers.</summary>
    internal LoudestSelector Loudest { get; } = new();

    /// <summary>Whose sound is forwarded while <see cref="SetTopSpeakers"/> limits it.</summary>
    internal TopSpeakers Top { get; } = new();

    /// <summary>Speakers whose sound is forwarded at most; 0 for all.</summary>
    public int TopSpeakers => Top.Limit;

    /// <summary>Whether the layers of incoming video are measured: somebody adapts, or is limited.</summary>
    internal bool MeasuresVideo { get; private set; }

    /// <summary>Null while nobody hears the mix.</summary>
    internal Mixer? Mixer { get; private set; }

    /// <summary>Who records the room, mostly nobody.</summary>
    internal Recording.RecorderTransport[] Recorders { get; private set; } = [];

    /// <summary>Whether the room is recorded here: then every producer of it is needed. For other threads too.</summary>
    public bool IsRecorded => Recorders.Length > 0;

    /// <summary>Room for what is being written.</summary>
    internal RouterScratch Scratch { get; } = new();

    /// <summary>Where packets of video that come together are kept; null forwards each at once.</summary>
    internal VideoBursts? Bursts { get; init; }

    /// <summary>True when an endpoint of these capabilities can receive the producer.</summary>
    public bool CanConsume(string producerId, RtpCapabilities capabilities)
        => _producers.TryGetValue(producerId, out var producer) && Ortc.CanConsume(producer.ConsumableParameters, capabilities);

    /// <summary>Runs what is due in the room (speakers, slots, the mix), not in its transports; returns when to call again.</summary>
    public long Advance(long now)
    {
        if (IsClosed)
        {
            return long.MaxValue;
        }

        ReportSpeakers(now);
        var next = now + ActiveSpeakerDetector.CheckEvery;
        if (Loudest.IsNeeded)
        {
            Loudest.Assign(Speakers.Voices, now);
            next = now + LoudestSelector.AssignEvery;
        }

        return Mixer is null ? next : Math.Min(next, Mixer.Advance(now));
    }

    /// <summary>
    /// Forwards the sound of so many speakers only, the loudest, to consumers of producers; 0 forwards all. Slots, the mix, recorders
    /// and pipes to other nodes choose for themselves and are not limited.
    /// </summary>
    public void SetTopSpeakers(int limit, long now)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        if (IsClosed || limit == Top.Limit)
        {
            return;
        }

        if (limit == 0)
        {
            Loudest.Close(Top);
        }
        else if (Top.Limit == 0)
        {
            Loudest.Open(Top);
        }

        Top.Resize(limit, Speakers.Voices, now);
        Loudest.Assign(Speakers.Voices, now);
    }

    /// <summary>From now on the layers of incoming video are measured.</summary>
    internal void MeasureVideo()
    {
        if (MeasuresVideo)
        {
            return;
        }

        MeasuresVideo = true;
        foreach (var producer in _producers.Values)
        {
            foreach (var stream in producer.Streams)
            {
                stream?.Measure();
            }
        }
    }

    /// <summary>Who speaks now, loudest first, whenever it was reported.</summary>
    public IEnumerable<ActiveSpeaker> CurrentSpeakers =>
        from voice in Speakers.Voices
        where voice.IsSpeaking
        orderby voice.Level
        select new ActiveSpeaker(voice.Producer, -(int)Math.Round(voice.Level));

    /// <summary>
    /// How the room's sound flows here: sums of all clients' transports that ever were, and the voices that are here now. What pipes
    /// bring is counted where it comes from. For reports, not per packet.
    /// </summary>
    public RouterAudio DescribeAudio()
    {
        var totals = _retired;
        List<double> trips = [];
        var clients = 0;
        foreach (var transport in _transports.Values.Where(t => t.IsClient))
        {
            clients++;
            totals.Add(transport.Stats);
            if (transport.Stats.RoundTrip > 0)
            {
                trips.Add(transport.Stats.RoundTrip / 1_000d);
            }
        }

        var (lost, expected, jitter, voices) = (0L, 0L, 0d, 0);
        foreach (var stream in _producers.Values.Where(p => p.Kind == MediaKind.Audio && p.Transport.IsClient).SelectMany(p => p.Streams.ToArray()))
        {
            if (stream is { Statistics.HasPackets: true })
            {
                lost += Math.Max(0, stream.Statistics.Expected - stream.Statistics.Received);
                expected += stream.Statistics.Expected;
                jitter += stream.Statistics.Jitter * 1_000 / stream.ClockRate;
                voices++;
            }
        }

        trips.Sort();
        return new RouterAudio(totals, lost, expected, voices == 0 ? 0 : jitter / voices, voices, [.. trips], clients);
    }

    /// <summary>Counts what a part of the room has counted that has closed.</summary>
    public void Inherit(in RouterTotals totals) => _retired.Add(totals);

    /// <summary>
    /// Begins to record what is in the room and what comes, into the queue; with the mix of all if wanted and if there is an
    /// Opus library. The worker has to run its timers.
    /// </summary>
    public MediaResult<Recording.RecorderTransport> Record(string id, Recording.RecordingQueue queue, Recording.RecordedTracks tracks, object? tag, long now)
    {
        if (IsClosed)
        {
            return MediaResult<Recording.RecorderTransport>.Refuse(MediaFault.Closed, "The room is closed.");
        }

        var recorder = new Recording.RecorderTransport(this, id, queue, tracks, tag);
        if (recorder.IsClosed)
        {
            return MediaResult<Recording.RecorderTransport>.Refuse(MediaFault.Conflict, $"There is a transport {id} already.");
        }

        Recorders = [.. Recorders, recorder];
        recorder.Start(now);
        return MediaResult<Recording.RecorderTransport>.Ok(recorder);
    }

    /// <summary>Closes all transports with their producers and consumers.</summary>
    public void Close(long now)
    {
        if (!IsClosed)
        {
            IsClosed = true;
            foreach (var transport in _transports.Values.ToArray())
            {
                transport.Close(now);
            }

            EndMixIfUnheard();
        }
    }

    internal void ReportSpeakers(long now)
    {
        if (!IsClosed && Speakers.TryReport(now, out var speakers))
        {
            Listener.OnActiveSpeakers(this, speakers);
        }
    }

    // RFC 3711 §3.3.1: a first number below 2^15 keeps early loss from hiding a wrap.
    internal ushort NextFirstSequence() => (ushort)_random.Next(1, 0x8000);

    internal uint NextSsrc() => (uint)_random.NextInt64(1, uint.MaxValue);

    internal int NextJitter(int from, int to) => _random.Next(from, to);

    internal bool TryAdd(Transport transport) => !IsClosed && _transports.TryAdd(transport.Id, transport);

    internal void Add(Producer producer, long now)
    {
        _producers.Add(producer.Id, producer);
        if (Top.Limit > 0 && producer.Kind == MediaKind.Audio)
        {
            producer.HoldBack(now);
        }

        if (Mixer is not null)
        {
            producer.JoinMix(Mixer);
        }
    }

    /// <summary>The mixer, made by its first listener.</summary>
    internal Mixer EnsureMixer()
    {
        if (Mixer is null)
        {
            Mixer = new Mixer(Options.Mixer);
            foreach (var producer in _producers.Values)
            {
                producer.JoinMix(Mixer);
            }
        }

        return Mixer;
    }

    /// <summary>Frees the codecs once nobody hears the mix.</summary>
    internal void EndMixIfUnheard()
    {
        if (Mixer is { HasListeners: false } mixer)
        {
            foreach (var producer in _producers.Values)
            {
                producer.LeaveMix();
            }

            Mixer = null;
            mixer.Dispose();
        }
    }

    internal void Add(Consumer consumer)
    {
        _consumers.Add(consumer.Id, consumer);
        ClientConsumers += consumer.Transport.IsClient ? 1 : 0;
    }

    internal void Remove(Transport transport)
    {
        _transports.Remove(transport.Id);
        if (transport.IsClient)
        {
            _retired.Add(transport.Stats);
        }

        if (transport is Recording.RecorderTransport)
        {
            Recorders = Array.FindAll(Recorders, r => r != transport);
        }
    }

    internal void OnProducerClosed(Producer producer)
    {
        _producers.Remove(producer.Id);
        Listener.OnProducerClosed(this, producer);
    }

    internal void OnConsumerClosed(Consumer consumer)
    {
        _consumers.Remove(consumer.Id);
        ClientConsumers -= consumer.Transport.IsClient ? 1 : 0;
        Listener.OnConsumerClosed(this, consumer);
    }
}
