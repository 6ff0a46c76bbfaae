using System.Security.Cryptography;
using System.Text;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.CallSessions;

namespace VoiceCluster.Grains.Rooms;

/// <summary>
/// The room's rules without any runtime: membership, who owns which media object, what others are told, and what the
/// media node should have. It calls nobody; the grain executes what it says and hands out <see cref="TakeEvents"/>.
/// </summary>
public sealed partial class Room(string name, RoomState state, RoomOptions options)
{
    private readonly Dictionary<string, RoomTransport> _transports = [];
    private readonly Dictionary<string, RoomProducer> _producers = [];
    private readonly Dictionary<string, RoomConsumer> _consumers = [];

    // What users receive, where that is not everything. What is stored of it is for the next activation.
    private readonly Dictionary<Guid, int> _qualities = state.Participants
        .Where(p => p.Quality is not null).GroupBy(p => p.Info.UserId).ToDictionary(u => u.Key, u => u.First().Quality!.Value);
    private readonly List<RoomEvent> _events = [];
    private string[] _speaking = [];
    private long _sequence;

    /// <summary>True when nobody is in the room.</summary>
    public bool IsEmpty => state.Participants.Count == 0;

    /// <summary>Speakers whose sound the media nodes forward at most; 0 for all.</summary>
    public int TopSpeakers => options.TopSpeakers;

    /// <summary>Events since the last call, in order.</summary>
    public RoomEvent[] TakeEvents()
    {
        if (_events.Count == 0)
        {
            return [];
        }

        RoomEvent[] events = [.. _events];
        _events.Clear();
        return events;
    }

    /// <summary>Adds a participant, or takes it over again with a new observer.</summary>
    public Outcome<bool> Join(JoinRoom request, IRoomObserver observer)
    {
        if (Find(request.ParticipantId) is { } present)
        {
            if (present.Info.UserId != request.UserId)
            {
                return new Fault(FaultCode.Conflict, "The participant id belongs to another user.");
            }

            present.Observer = observer;
            present.EndsWithMedia = request.EndsWithMedia;
            present.ResumeKey = request.ResumeKey;
            return true;
        }

        if (state.Participants.Count >= options.MaxParticipants)
        {
            return new Fault(FaultCode.Full, $"The room is full: {options.MaxParticipants} participants.");
        }

        var info = new ParticipantInfo(
            request.ParticipantId, request.UserId, request.UserText, request.DisplayName, request.Door, request.Muted, request.Deafened);
        state.Participants.Add(new RoomParticipant
        {
            Info = info,
            Observer = observer,
            EndsWithMedia = request.EndsWithMedia,
            ResumeKey = request.ResumeKey,
            Quality = _qualities.TryGetValue(request.UserId, out var quality) ? quality : null,
        });
        Emit(sequence => new ParticipantJoined(sequence, info));
        return false;
    }

    /// <summary>Removes a participant and everything it owns. False when it is absent.</summary>
    public bool Leave(string participantId, LeaveReason reason, out string[] closedTransports)
    {
        var participant = Find(participantId);
        if (participant is null)
        {
            closedTransports = [];
            return false;
        }

        closedTransports = TransportsOf(participantId);
        foreach (var transportId in closedTransports)
        {
            RemoveTransport(transportId);
        }

        Silence([participantId]);
        state.Participants.Remove(participant);
        Emit(sequence => new ParticipantLeft(sequence, participantId, reason));
        return true;
    }

    /// <summary>The stored participant, or null.</summary>
    public RoomParticipant? Find(string participantId) => state.Participants.Find(p => p.Info.ParticipantId == participantId);

    /// <summary>The participant that a client may take over, or null. One with another key or user is as good as absent.</summary>
    public RoomParticipant? FindResumable(ResumeRoom request) =>
        Find(request.ParticipantId) is { ResumeKey: { } key } present
            && present.Info.UserId == request.UserId
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(request.ResumeKey))
            ? present
            : null;

    /// <summary>The transports of a participant.</summary>
    public string[] TransportsOf(string participantId) =>
        [.. _transports.Values.Where(t => t.ParticipantId == participantId).Select(t => t.Id)];

    /// <summary>Whether a participant may open one more transport.</summary>
    public Fault? CheckNewTransport(string participantId)
    {
        if (Find(participantId) is null)
        {
            return UnknownParticipant(participantId);
        }

        return _transports.Values.Count(t => t.ParticipantId == participantId) >= options.MaxTransportsPerParticipant
            ? new Fault(FaultCode.Conflict, $"A participant may open {options.MaxTransportsPerParticipant} transports at most.")
            : null;
    }

    /// <summary>Whether the participant has media anywhere.</summary>
    public bool HasTransports(string participantId) => _transports.Values.Any(t => t.ParticipantId == participantId);

    /// <summary>Notes a transport that the media node has opened.</summary>
    public void AddTransport(string transportId, string participantId, bool hearsAll = false) =>
        _transports.Add(transportId, new RoomTransport(transportId, participantId, hearsAll) { Bitrates = Find(participantId)?.Bitrates });

    /// <summary>Notes what the media node says of a transport; one that it closed is removed. False when it is absent.</summary>
    public bool SetTransportState(string transportId, MediaTransportState mediaState)
    {
        if (!_transports.TryGetValue(transportId, out var transport))
        {
            return false;
        }

        transport.State = mediaState;
        return mediaState != MediaTransportState.Closed || RemoveTransport(transportId);
    }

    /// <summary>The participants that end with their media and have none: no transport that ICE has reached.</summary>
    public string[] WithoutMedia()
    {
        HashSet<string> without = [.. state.Participants.Where(p => p.EndsWithMedia).Select(p => p.Info.ParticipantId)];
        if (without.Count > 0)
        {
            without.ExceptWith(_transports.Values.Where(t => t.State != MediaTransportState.New).Select(t => t.ParticipantId));
        }

        return [.. without];
    }

    /// <summary>Whose the transport is; null when it is absent.</summary>
    public string? OwnerOf(string transportId) => _transports.GetValueOrDefault(transportId)?.ParticipantId;

    /// <summary>Whether the transport exists and is the participant's own.</summary>
    public Fault? CheckTransport(string participantId, string transportId)
    {
        if (Find(participantId) is null)
        {
            return UnknownParticipant(participantId);
        }

        // Another's transport is answered like an unknown one, so that ids cannot be probed.
        return _transports.TryGetValue(transportId, out var transport) && transport.ParticipantId == participantId
            ? null
            : new Fault(FaultCode.NotFound, $"There is no transport {transportId}.");
    }

    /// <summary>Removes a transport with its producers and consumers. False when it is absent.</summary>
    public bool RemoveTransport(string transportId)
    {
        if (!_transports.Remove(transportId))
        {
            return false;
        }

        foreach (var producer in _producers.Values.Where(p => p.TransportId == transportId).ToArray())
        {
            RemoveProducer(producer.Id);
        }

        foreach (var consumer in _consumers.Values.Where(c => c.TransportId == transportId).ToArray())
        {
            _consumers.Remove(consumer.Id);
        }

        return true;
    }

    /// <summary>Whether the participant may start one more producer on the transport.</summary>
    public Fault? CheckNewProducer(string participantId, string transportId)
    {
        if (CheckTransport(participantId, transportId) is { } fault)
        {
            return fault;
        }

        return _producers.Values.Count(p => p.ParticipantId == participantId) >= options.MaxProducersPerParticipant
            ? new Fault(FaultCode.Conflict, $"A participant may start {options.MaxProducersPerParticipant} producers at most.")
            : null;
    }

    /// <summary>Notes a producer that the media node has started, and tells the others.</summary>
    public void AddProducer(string producerId, string participantId, string transportId, MediaKind kind, bool paused)
    {
        var producer = new RoomProducer(producerId, participantId, transportId, kind, paused);
        _producers.Add(producerId, producer);
        Emit(sequence => new ProducerAdded(sequence, Describe(producer)));
    }

    /// <summary>The participant's own producer.</summary>
    public Outcome<RoomProducer> GetOwnProducer(string participantId, string producerId)
    {
        if (Find(participantId) is null)
        {
            return UnknownParticipant(participantId);
        }

        return _producers.TryGetValue(producerId, out var producer) && producer.ParticipantId == participantId
            ? producer
            : UnknownProducer(producerId);
    }

    /// <summary>Whether the media node should hold the producer back: its client paused it, or its participant is muted.</summary>
    public bool IsHeldBack(RoomProducer producer) =>
        producer.Paused || (producer.Kind == MediaKind.Audio && Find(producer.ParticipantId) is { Info.Muted: true });

    /// <summary>Notes that the client paused or resumed the producer. False when nothing changed.</summary>
    public bool SetProducerPaused(RoomProducer producer, bool paused)
    {
        if (producer.Paused == paused)
        {
            return false;
        }

        producer.Paused = paused;
        Emit(sequence => new ProducerUpdated(sequence, Describe(producer)));
        return true;
    }

    /// <summary>Removes a producer and the consumers of it, and tells the others. False when it is absent.</summary>
    public bool RemoveProducer(string producerId)
    {
        if (!_producers.Remove(producerId, out var producer))
        {
            return false;
        }

        foreach (var consumer in _consumers.Values.Where(c => c.ProducerId == producerId).ToArray())
        {
            _consumers.Remove(consumer.Id);
        }

        Emit(sequence => new ProducerRemoved(sequence, producerId, producer.ParticipantId));
        return true;
    }

    /// <summary>The producer that a participant wants to receive on its transport.</summary>
    public Outcome<RoomProducer> CheckNewConsumer(string participantId, string transportId, string producerId)
    {
        if (CheckTransport(participantId, transportId) is { } fault)
        {
            return fault;
        }

        if (!_producers.TryGetValue(producerId, out var producer))
        {
            return UnknownProducer(producerId);
        }

        // Without a bound one client could take all that the node can forward.
        return _consumers.Values.Count(c => c.ProducerId == producerId && c.ParticipantId == participantId) >= options.MaxConsumersPerProducer
            ? new Fault(FaultCode.Conflict, $"A participant may receive one producer {options.MaxConsumersPerProducer} times at most.")
            : producer;
    }

    /// <summary>Whether the participant may receive so many more slots, or one more mix, on its transport.</summary>
    public Fault? CheckNewConsumers(string participantId, string transportId, ConsumerSource source, int count)
    {
        if (CheckTransport(participantId, transportId) is { } fault)
        {
            return fault;
        }

        if (count < 1)
        {
            return new Fault(FaultCode.Invalid, "At least one slot must be asked for.");
        }

        var limit = source == ConsumerSource.Mix ? options.MaxMixesPerParticipant : options.MaxSlotsPerParticipant;
        return count > limit - _consumers.Values.Count(c => c.Source == source && c.ParticipantId == participantId)
            ? new Fault(FaultCode.Conflict, $"A participant may have {limit} {(source == ConsumerSource.Mix ? "mixes" : "slots")} at most.")
            : null;
    }

    /// <summary>Notes a consumer that the media node has started.</summary>
    public void AddConsumer(RoomConsumer consumer) => _consumers.Add(consumer.Id, consumer);

    /// <summary>The participant's own consumer.</summary>
    public Outcome<RoomConsumer> GetOwnConsumer(string participantId, string consumerId)
    {
        if (Find(participantId) is null)
        {
            return UnknownParticipant(participantId);
        }

        return _consumers.TryGetValue(consumerId, out var consumer) && consumer.ParticipantId == participantId
            ? consumer
            : new Fault(FaultCode.NotFound, $"There is no consumer {consumerId}.");
    }

    /// <summary>
    /// Whether the media node should hold the consumer back: its client paused it, or its participant is deafened, or receives
    /// no pictures.
    /// </summary>
    public bool IsHeldBack(RoomConsumer consumer) =>
        consumer.Paused
        || (IsVideo(consumer) && !QualityOf(consumer).HasVideo)
        || (Find(consumer.ParticipantId) is { Info.Deafened: true }
            && (consumer.Source != ConsumerSource.Producer
                || (_producers.TryGetValue(consumer.ProducerId, out var producer) && producer.Kind == MediaKind.Audio)));

    /// <summary>Sets what a user receives. Answers what the media nodes must be told of its participants' consumers.</summary>
    public (string ParticipantId, MediaCommand Command)[] SetQuality(Guid userId, int quality)
    {
        if (_qualities.GetValueOrDefault(userId, CallSession.MaxQuality) == quality)
        {
            return [];
        }

        var mine = _consumers.Values
            .Where(c => IsVideo(c) && Find(c.ParticipantId)?.Info.UserId == userId)
            .Select(c => (Consumer: c, Before: IsHeldBack(c)))
            .ToArray();
        if (quality == CallSession.MaxQuality)
        {
            _qualities.Remove(userId);
        }
        else
        {
            _qualities[userId] = quality;
        }

        foreach (var participant in state.Participants.Where(p => p.Info.UserId == userId))
        {
            participant.Quality = quality == CallSession.MaxQuality ? null : quality;
        }

        var transports = _transports.Values.Where(t => !t.HearsAll && Find(t.ParticipantId)?.Info.UserId == userId);
        return
        [
            .. transports.Select(t => (t.ParticipantId, (MediaCommand)new SetMaxVideoBitrate(t.Id, MaxVideoBitrateOf(t.ParticipantId)))),
            .. mine.Where(c => QualityOf(c.Consumer).HasVideo).Select(c => (c.Consumer.ParticipantId, (MediaCommand)Layers(c.Consumer))),
            .. mine.Where(c => c.Before != IsHeldBack(c.Consumer)).Select(c => (c.Consumer.ParticipantId, (MediaCommand)new SetConsumerPaused(c.Consumer.Id, !c.Before))),
        ];
    }

    /// <summary>The layers of a consumer whose user does not receive everything; null for all others.</summary>
    public SetPreferredLayers? LayersOf(RoomConsumer consumer) =>
        IsVideo(consumer) && QualityOf(consumer) is { HasVideo: true } quality && quality != ReceiveQuality.Full ? Layers(consumer) : null;

    /// <summary>Bits a second of video that a participant's transports are sent at most; null without a limit.</summary>
    public long? MaxVideoBitrateOf(string participantId) => QualityOf(participantId).MaxVideoBitrate;

    /// <summary>Forgets a consumer.</summary>
    public void RemoveConsumer(string consumerId) => _consumers.Remove(consumerId);

    /// <summary>Mutes or deafens. Answers what the media node must be told, before and after being compared.</summary>
    public Outcome<MediaCommand[]> SetVoiceState(string participantId, bool muted, bool deafened)
    {
        var participant = Find(participantId);
        if (participant is null)
        {
            return UnknownParticipant(participantId);
        }

        if (participant.Info.Muted == muted && participant.Info.Deafened == deafened)
        {
            return Array.Empty<MediaCommand>();
        }

        var producers = _producers.Values.Where(p => p.ParticipantId == participantId).Select(p => (Producer: p, Before: IsHeldBack(p))).ToArray();
        var consumers = _consumers.Values.Where(c => c.ParticipantId == participantId).Select(c => (Consumer: c, Before: IsHeldBack(c))).ToArray();
        participant.Info = participant.Info with { Muted = muted, Deafened = deafened };
        var info = participant.Info;
        Emit(sequence => new ParticipantUpdated(sequence, info));
        return (MediaCommand[])
        [
            .. producers.Where(p => p.Before != IsHeldBack(p.Producer)).Select(p => new SetProducerPaused(p.Producer.Id, !p.Before)),
            .. consumers.Where(c => c.Before != IsHeldBack(c.Consumer)).Select(c => new SetConsumerPaused(c.Consumer.Id, !c.Before)),
        ];
    }

    /// <summary>Removes what the media node says it lost.</summary>
    public void RemoveMissing(RoomReconciled reconciled)
    {
        foreach (var id in reconciled.MissingConsumers)
        {
            _consumers.Remove(id);
        }

        foreach (var id in reconciled.MissingProducers)
        {
            RemoveProducer(id);
        }

        foreach (var id in reconciled.MissingTransports)
        {
            RemoveTransport(id);
        }
    }

    /// <summary>The room as others see it.</summary>
    public RoomSnapshot Snapshot() => new(
        name,
        [.. state.Participants.Select(p => p.Info)],
        [.. _producers.Values.Select(Describe)],
        state.Node?.Name,
        _speaking,
        state.MoreNodes.Count == 0
            ? null
            : state.Participants.Where(p => p.Node is not null && p.Node != state.Node).ToDictionary(p => p.Info.ParticipantId, p => p.Node!.Name));

    private bool IsVideo(RoomConsumer consumer) =>
        consumer.Source == ConsumerSource.Producer && _producers.TryGetValue(consumer.ProducerId, out var producer) && producer.Kind == MediaKind.Video;

    private ReceiveQuality QualityOf(RoomConsumer consumer) => QualityOf(consumer.ParticipantId);

    private ReceiveQuality QualityOf(string participantId) =>
        Find(participantId) is { } receiver && _qualities.TryGetValue(receiver.Info.UserId, out var quality)
            ? ReceiveQuality.Of(quality)
            : ReceiveQuality.Full;

    private SetPreferredLayers Layers(RoomConsumer consumer)
    {
        var quality = QualityOf(consumer);
        var (spatial, temporal) = consumer.Preferred is { } wish
            ? quality.Limit(wish.Spatial, wish.Temporal)
            : (quality.SpatialLayer, quality.TemporalLayer);
        return new SetPreferredLayers(consumer.Id, spatial, temporal);
    }

    private void SetSpeaking(string[] speaking)
    {
        string[] started = [.. speaking.Except(_speaking)];
        string[] stopped = [.. _speaking.Except(speaking)];
        _speaking = speaking;
        if (started.Length > 0 || stopped.Length > 0)
        {
            Emit(sequence => new SpeakingChanged(sequence, started, stopped));
        }
    }

    private static Fault UnknownParticipant(string participantId) =>
        new(FaultCode.NotFound, $"There is no participant {participantId} in this room.");

    private static Fault UnknownProducer(string producerId) => new(FaultCode.NotFound, $"There is no producer {producerId}.");

    private static ProducerInfo Describe(RoomProducer producer) => new(producer.Id, producer.ParticipantId, producer.Kind, producer.Paused);

    private void Emit(Func<long, RoomEvent> make) => _events.Add(make(++_sequence));
}

/// <summary>A transport of a participant on the media node.</summary>
/// <param name="HearsAll">Everybody's sound goes to it without consumers, as to a native client.</param>
public sealed record RoomTransport(string Id, string ParticipantId, bool HearsAll = false)
{
    /// <summary>As the media node reported it last.</summary>
    public MediaTransportState State { get; set; }

    /// <summary>What the client's application allows; null where it has said nothing.</summary>
    public TransportBitrates? Bitrates { get; set; }
}

/// <summary>A track that a participant sends. <see cref="Paused"/> is the client's own wish.</summary>
public sealed record RoomProducer(string Id, string ParticipantId, string TransportId, MediaKind Kind, bool Paused)
{
    public bool Paused { get; set; } = Paused;
}

/// <summary>A track that a participant receives. <see cref="Paused"/> is the client's own wish.</summary>
/// <param name="ProducerId">Empty for a slot and for the mix.</param>
public sealed record RoomConsumer(
    string Id, string ParticipantId, string TransportId, string ProducerId, bool Paused, ConsumerSource Source = ConsumerSource.Producer)
{
    public bool Paused { get; set; } = Paused;

    /// <summary>The highest layers that the client itself wants; null for all.</summary>
    public (int Spatial, int? Temporal)? Preferred { get; set; }
}
