using Orleans.Runtime;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.ApiFrontend.Tests.Rooms;

/// <summary>A room that notes who is in it and what is asked of it, and pushes events as the real one does.</summary>
internal sealed class FakeRoom(string name) : IRoomGrain
{
    public const string Capabilities = """{"codecs":[{"kind":"audio","mimeType":"audio/opus"}],"headerExtensions":[]}""";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (ParticipantInfo Info, IRoomObserver Observer)> _participants = [];
    private readonly Dictionary<string, string?> _resumeKeys = [];
    private readonly Dictionary<string, ProducerInfo> _producers = [];
    private readonly List<string> _calls = [];
    private long _sequence;
    private string _node = "node";
    private int _ids;

    /// <summary>Thrown by the next call, once.</summary>
    public Exception? NextFailure { get; set; }

    /// <summary>Thrown when the room is asked for its snapshot, once.</summary>
    public Exception? NextSnapshotFailure { get; set; }

    /// <summary>Answered to the next join, once.</summary>
    public Fault? NextRefusal { get; set; }

    /// <summary>Joins whose silo is lost before it answers.</summary>
    public int LostJoins { get; set; }

    /// <summary>Pushed to the joining participant before its join is answered.</summary>
    public RoomEvent[] BeforeJoinAnswer { get; set; } = [];

    public string[] Calls
    {
        get
        {
            lock (_gate)
            {
                return [.. _calls];
            }
        }
    }

    public ParticipantInfo[] Participants
    {
        get
        {
            lock (_gate)
            {
                return [.. _participants.Values.Select(p => p.Info)];
            }
        }
    }

    public async Task<Outcome<RoomJoined>> JoinAsync(JoinRoom request, IRoomObserver observer)
    {
        if (DuringNextJoin is { } meanwhile)
        {
            DuringNextJoin = null;
            await meanwhile();
        }

        Note($"join {request.ParticipantId}");
        if (LostJoins > 0)
        {
            LostJoins--;
            throw new SiloUnavailableException("The connection was lost before the room answered.");
        }

        if (NextRefusal is { } refusal)
        {
            NextRefusal = null;
            return refusal;
        }

        bool resumed;
        RoomSnapshot snapshot;
        List<IRoomObserver> observers;
        RoomEvent joined;
        lock (_gate)
        {
            resumed = _participants.ContainsKey(request.ParticipantId);
            var info = new ParticipantInfo(
                request.ParticipantId, request.UserId, request.UserText, request.DisplayName, request.Door, request.Muted, request.Deafened);
            _participants[request.ParticipantId] = (info, observer);
            _resumeKeys[request.ParticipantId] = request.ResumeKey;
            snapshot = Snapshot();
            observers = [.. _participants.Values.Select(p => p.Observer)];
            joined = new ParticipantJoined(++_sequence, info);
        }

        if (!resumed)
        {
            await PushAsync(observers, joined);
        }

        await observer.OnRoomEventsAsync(BeforeJoinAnswer);
        return new RoomJoined(Capabilities, snapshot, resumed);
    }

    public async Task<Outcome<RoomJoined>> ResumeAsync(ResumeRoom request, IRoomObserver observer)
    {
        Note($"resume {request.ParticipantId}");
        IRoomObserver earlier;
        RoomSnapshot snapshot;
        lock (_gate)
        {
            if (!_participants.TryGetValue(request.ParticipantId, out (ParticipantInfo Info, IRoomObserver Observer) present)
                || present.Info.UserId != request.UserId || _resumeKeys[request.ParticipantId] != request.ResumeKey)
            {
                return new Fault(FaultCode.NotFound, "No such participant.");
            }

            earlier = present.Observer;
            _participants[request.ParticipantId] = (present.Info, observer);
            snapshot = Snapshot();
        }

        await earlier.OnRoomEventsAsync([new Evicted(0, LeaveReason.Moved)]);
        return new RoomJoined(Capabilities, snapshot, Resumed: true, ["t1"]);
    }

    public async Task<Outcome<Done>> LeaveAsync(string participantId, LeaveReason reason)
    {
        Note($"leave {participantId} {reason}");
        string[] producers;
        lock (_gate)
        {
            if (!_participants.Remove(participantId))
            {
                return Done.Instance;
            }

            producers = [.. _producers.Values.Where(p => p.ParticipantId == participantId).Select(p => p.ProducerId)];
            foreach (string producer in producers)
            {
                _producers.Remove(producer);
            }
        }

        foreach (string producer in producers)
        {
            await PushAsync(s => new ProducerRemoved(s, producer, participantId));
        }

        await PushAsync(s => new ParticipantLeft(s, participantId, reason));
        return Done.Instance;
    }

    public Task<Outcome<Done>> RenewAsync(string participantId, IRoomObserver observer)
        => Task.FromResult<Outcome<Done>>(Knows(participantId) ? Done.Instance : new Fault(FaultCode.NotFound, "No such participant."));

    public Task<Outcome<TransportCreated>> CreateTransportAsync(string participantId)
    {
        Note($"create-transport {participantId}");
        string id = NewId("transport");
        return Task.FromResult<Outcome<TransportCreated>>(new TransportCreated(
            id, $$"""{"id":"{{id}}","iceParameters":{"iceLite":true},"iceCandidates":[],"dtlsParameters":{"role":"auto"} }"""));
    }

    public Task<Outcome<TransportCreated>> CreatePlainTransportAsync(string participantId, string optionsJson)
    {
        Note($"create-plain {participantId}");
        return Task.FromResult<Outcome<TransportCreated>>(new TransportCreated(NewId("transport"), "{}"));
    }

    public Task<Outcome<RelayTransportCreated>> CreateRelayTransportAsync(string participantId, RelayTransportRequest request)
    {
        Note($"create-relay {participantId}");
        return Task.FromResult<Outcome<RelayTransportCreated>>(new RelayTransportCreated(
            NewId("transport"), new RelayEndPoint("192.0.2.7", 3002), new RelayMedia("{}", "{}", "{}")));
    }

    public Task<Outcome<AudioStatistics>> GetAudioStatisticsAsync() => Task.FromResult<Outcome<AudioStatistics>>(AudioStatistics.None);

    public Task<Outcome<Done>> ConnectTransportAsync(string participantId, string transportId, string dtlsParametersJson)
        => DoneAsync($"connect {transportId} {dtlsParametersJson}");

    public Task<Outcome<string>> RestartIceAsync(string participantId, string transportId)
        => Task.FromResult<Outcome<string>>("""{"usernameFragment":"u","password":"p","iceLite":true}""");

    public Task<Outcome<Done>> CloseTransportAsync(string participantId, string transportId) => DoneAsync($"close-transport {transportId}");

    public async Task<Outcome<string>> ProduceAsync(string participantId, ProduceRequest request)
    {
        Note($"produce {request.TransportId} {request.Kind} {request.RtpParametersJson}");
        var producer = new ProducerInfo(NewId("producer"), participantId, request.Kind, request.Paused);
        lock (_gate)
        {
            _producers.Add(producer.ProducerId, producer);
        }

        await PushAsync(s => new ProducerAdded(s, producer));
        return producer.ProducerId;
    }

    public async Task<Outcome<Done>> SetProducerPausedAsync(string participantId, string producerId, bool paused)
    {
        ProducerInfo producer;
        lock (_gate)
        {
            if (!_producers.TryGetValue(producerId, out producer!))
            {
                return new Fault(FaultCode.NotFound, "No such producer.");
            }

            _producers[producerId] = producer = producer with { Paused = paused };
        }

        await PushAsync(s => new ProducerUpdated(s, producer));
        return Done.Instance;
    }

    public async Task<Outcome<Done>> CloseProducerAsync(string participantId, string producerId)
    {
        lock (_gate)
        {
            _producers.Remove(producerId);
        }

        await PushAsync(s => new ProducerRemoved(s, producerId, participantId));
        return Done.Instance;
    }

    public Task<Outcome<ConsumerCreated>> ConsumeAsync(string participantId, ConsumeRequest request)
    {
        Note($"consume {request.ProducerId} {request.RtpCapabilitiesJson}");
        return Task.FromResult<Outcome<ConsumerCreated>>(new ConsumerCreated(
            NewId("consumer"), request.ProducerId, MediaKind.Audio, """{"mid":"0"}""", ProducerPaused: false));
    }

    public Task<Outcome<ConsumerCreated[]>> ConsumeLoudestAsync(string participantId, ConsumeLoudestRequest request)
    {
        Note($"consume-loudest {request.TransportId} {request.RtpParametersJson.Length}");
        return Task.FromResult<Outcome<ConsumerCreated[]>>(
            (ConsumerCreated[])[.. request.RtpParametersJson.Select(p => new ConsumerCreated(NewId("consumer"), "", MediaKind.Audio, p, ProducerPaused: false))]);
    }

    public Task<Outcome<ConsumerCreated>> ConsumeMixAsync(string participantId, ConsumeMixRequest request)
    {
        Note($"consume-mix {request.TransportId}");
        return Task.FromResult<Outcome<ConsumerCreated>>(new ConsumerCreated(
            NewId("consumer"), "", MediaKind.Audio, request.RtpParametersJson, ProducerPaused: false));
    }

    public Task<Outcome<Done>> SetConsumerPausedAsync(string participantId, string consumerId, bool paused)
        => DoneAsync($"pause-consumer {consumerId} {paused}");

    public Task<Outcome<Done>> CloseConsumerAsync(string participantId, string consumerId) => DoneAsync($"close-consumer {consumerId}");

    public Task<Outcome<Done>> SetPreferredLayersAsync(string participantId, string consumerId, int spatialLayer, int? temporalLayer)
        => DoneAsync($"layers {consumerId} {spatialLayer} {temporalLayer}");

    public Task<Outcome<Done>> SetConsumerPriorityAsync(string participantId, string consumerId, int priority)
        => DoneAsync($"priority {consumerId} {priority}");

    public Task<Outcome<Done>> SetTransportBitrateAsync(string participantId, string transportId, TransportBitrate which, long bitrate)
        => DoneAsync($"bitrate {transportId} {which} {bitrate}");

    public Task<Outcome<Done>> SetReceiveQualityAsync(Guid userId, int quality) => Task.FromResult<Outcome<Done>>(Done.Instance);

    public Task<Outcome<Done>> StartRecordingAsync(Guid recordingId, Abstractions.Recordings.RecordingPlan plan) =>
        Task.FromResult<Outcome<Done>>(new Fault(FaultCode.Unsupported, "This room records nothing."));

    public Task<Outcome<Done>> StopRecordingAsync(Guid recordingId) => Task.FromResult<Outcome<Done>>(Done.Instance);

    public Task<Outcome<Done>> SetVoiceStateAsync(string participantId, bool muted, bool deafened) => DoneAsync("voice-state");

    public Task<Outcome<Done>> RemoveUserAsync(Guid userId, LeaveReason reason) => DoneAsync($"remove-user {userId} {reason}");

    public Task<Outcome<Done>> CloseAsync(LeaveReason reason) => DoneAsync($"close {reason}");

    public Task<RoomSnapshot> GetSnapshotAsync()
    {
        if (NextSnapshotFailure is { } failure)
        {
            NextSnapshotFailure = null;
            return Task.FromException<RoomSnapshot>(failure);
        }

        lock (_gate)
        {
            return Task.FromResult(Snapshot());
        }
    }

    public Task ReportAsync(MediaReport report) => Task.CompletedTask;

    public Task MediaNodeLostAsync(MediaNodeId node) => Task.CompletedTask;

    public Task CallChangedAsync(CallInfo call) => Task.CompletedTask;

    /// <summary>The room forgets a participant without a word, as one whose state was lost.</summary>
    public void Forget(string participantId)
    {
        lock (_gate)
        {
            _participants.Remove(participantId);
        }
    }

    /// <summary>Done once, while the next join is on its way to the room.</summary>
    public Func<Task>? DuringNextJoin { get; set; }

    /// <summary>Puts a participant of another door into the room.</summary>
    public void Add(ParticipantInfo info)
    {
        lock (_gate)
        {
            _participants[info.ParticipantId] = (info, new SilentObserver());
        }
    }

    /// <summary>Something happens of which no observer hears.</summary>
    public void Lose(ProducerInfo added, string node)
    {
        lock (_gate)
        {
            _sequence++;
            _node = node;
            _producers[added.ProducerId] = added;
        }
    }

    public Task PushAsync(Func<long, RoomEvent> make)
    {
        List<IRoomObserver> observers;
        RoomEvent made;
        lock (_gate)
        {
            observers = [.. _participants.Values.Select(p => p.Observer)];
            made = make(++_sequence);
        }

        return PushAsync(observers, made);
    }

    private static async Task PushAsync(List<IRoomObserver> observers, RoomEvent roomEvent)
    {
        foreach (IRoomObserver observer in observers)
        {
            await observer.OnRoomEventsAsync([roomEvent]);
        }
    }

    private RoomSnapshot Snapshot() => new(name, [.. _participants.Values.Select(p => p.Info)], [.. _producers.Values], _node);

    private bool Knows(string participantId)
    {
        lock (_gate)
        {
            return _participants.ContainsKey(participantId);
        }
    }

    private Task<Outcome<Done>> DoneAsync(string call)
    {
        Note(call);
        return Task.FromResult<Outcome<Done>>(Done.Instance);
    }

    private string NewId(string kind) => $"{kind}-{Interlocked.Increment(ref _ids)}";

    private void Note(string call)
    {
        lock (_gate)
        {
            _calls.Add(call);
        }

        if (NextFailure is { } failure)
        {
            NextFailure = null;
            throw failure;
        }
    }

    private sealed class SilentObserver : IRoomObserver
    {
        public Task OnRoomEventsAsync(RoomEvent[] events) => Task.CompletedTask;
    }
}
