using System.Net;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Io;
using VoiceCluster.MediaNode.Recording;

namespace VoiceCluster.MediaNode.Control;

/// <summary>
/// A room as its grain commands it: the router and who owns what. Everything but the constructor runs on the thread of the
/// room's worker, so that commands, packets and timers of a room never meet.
/// </summary>
internal sealed partial class ControlledRoom(
    string name, WorkerThread thread, RoomReports reports, IPEndPoint? relayEndPoint, RecordingWriter? recordings, ControlledRoom? home = null)
{
    private readonly Dictionary<string, OwnedTransport> _transports = new(StringComparer.Ordinal);
    private volatile bool _isClosed;
    private RoomWatch? _watch;
    private Router? _router;
    private long _sequence;
    private long _reconciledAt;
    private long _lastCommandAt;
    private int _topSpeakers;

    public string Name => name;

    public WorkerThread Thread => thread;

    /// <summary>The newest epoch seen.</summary>
    public long Epoch { get; private set; }

    /// <summary>True after CloseRoom: the next command needs a new room.</summary>
    public bool IsClosed
    {
        get => _isClosed;
        private set => _isClosed = value;
    }

    /// <summary>True while no router is there: the first command was refused, or closed what never was.</summary>
    public bool IsUnopened => _router is null;

    /// <summary>The room's media, for those who only listen; null before it is open and once it is closed.</summary>
    public Router? Router => IsClosed ? null : _router;

    /// <summary>Makes commands that found this object look for another.</summary>
    public void MarkClosed() => IsClosed = true;

    /// <summary>Checks epoch and sequence; null when the command may run. <paramref name="forgottenEpoch"/> is the epoch that last closed a room of this name.</summary>
    public Fault? Admit(RoomCommandHeader header, long forgottenEpoch, long now)
    {
        _lastCommandAt = now;
        if (header.Epoch < Math.Max(Epoch, forgottenEpoch))
        {
            return new Fault(FaultCode.Superseded, $"Epoch {header.Epoch} is over; the room is commanded by epoch {Math.Max(Epoch, forgottenEpoch)}.");
        }

        if (header.Epoch > Epoch)
        {
            Epoch = header.Epoch;
            (_sequence, _reconciledAt) = (0, 0);
        }
        else if (header.Sequence < _reconciledAt)
        {
            // It was under way when the room was reconciled without it: running it now would make what nobody wants.
            return new Fault(FaultCode.Conflict, "The command is older than the last reconciliation.");
        }

        _sequence = Math.Max(_sequence, header.Sequence);
        _topSpeakers = Math.Max(0, header.TopSpeakers);
        return null;
    }

    public Outcome<MediaReply> Execute(MediaCommand command, MediaWorker worker, long now)
    {
        if (command is CloseRoom)
        {
            Close(worker, now);
            return new MediaDone();
        }

        if (Open(worker, now) is { } fault)
        {
            return fault;
        }

        var reply = Run(command, worker, now);
        if (TransportOf(command) is { } id && _transports.TryGetValue(id, out var owned))
        {
            worker.RunSoon(owned.Transport, now);
        }

        return reply;
    }

    private static string? TransportOf(MediaCommand command) => command switch
    {
        ConnectWebRtcTransport c => c.TransportId,
        SetMaxVideoBitrate c => c.TransportId,
        SetTransportBitrates c => c.TransportId,
        CreateProducer c => c.TransportId,
        CreateConsumer c => c.TransportId,
        CreateSlotConsumers c => c.TransportId,
        CreateMixConsumer c => c.TransportId,
        _ => null,
    };

    private Outcome<MediaReply> Run(MediaCommand command, MediaWorker worker, long now)
    {
        return command switch
        {
            OpenRoom => new RoomOpened(_router!.OfferedCapabilities.ToJson()),
            CreateWebRtcTransport c => CreateTransport(c, worker, now),
            CreateRelayTransport c => CreateRelay(c, worker, now),
            CreatePlainTransport c => CreatePlain(c, worker, now),
            ReportAudio => DescribeAudio(),
            ConnectWebRtcTransport c => Connect(c, now),
            SetMaxVideoBitrate c => SetMaxVideoBitrate(c, now),
            SetTransportBitrates c => SetBitrates(c, now),
            RestartIce c => FindWebRtc(c.TransportId) is { } transport ? new IceRestarted(transport.RestartIce()) : NoTransport(c.TransportId),
            CloseTransport c => Done(() => CloseTransport(c.TransportId, now)),
            CreateProducer c => CreateProducer(c, now),
            SetProducerPaused c => OnProducer(c.ProducerId, p => Pause(p, c.Paused, now)),
            CloseProducer c => Done(() => _router!.Producers.GetValueOrDefault(c.ProducerId)?.Close(now)),
            CreateConsumer c => CreateConsumer(c, now),
            CreateSlotConsumers c => CreateSlots(c, now),
            CreateMixConsumer c => CreateMix(c, now),
            StartRecording c => StartRecording(c, worker, now),
            StopRecording c => Done(() => StopRecording(c.RecordingId, now)),
            SetConsumerPaused c => OnConsumer(c.ConsumerId, consumer => Pause(consumer, c.Paused, now)),
            SetPreferredLayers c => OnConsumer(c.ConsumerId, consumer => consumer.SetPreferredLayers(c.SpatialLayer, c.TemporalLayer, now)),
            SetConsumerPriority c => OnConsumer(c.ConsumerId, consumer => (consumer as ProducerConsumer)?.SetPriority(c.Priority, now)),
            CloseConsumer c => Done(() => _router!.Consumers.GetValueOrDefault(c.ConsumerId)?.Close(now)),
            CreatePipeTransport c => CreatePipe(c, worker, now),
            ConnectPipeTransport c => OnPipe(c.PipeId, pipe => ConnectPipe(pipe, c.Remote, now)),
            ClosePipeTransport c => Done(() => ClosePipe(c.PipeId, now)),
            CreatePipeConsumer c => OnPipe(c.PipeId, pipe => ConsumeForPipe(pipe, c.ProducerId, worker, now)),
            ClosePipeConsumer c => Done(() => FindPipe(c.PipeId)?.Piped.GetValueOrDefault(c.ProducerId)?.Close(now)),
            CreatePipeProducer c => OnPipe(c.PipeId, pipe => ProduceFromPipe(pipe, c, worker, now)),
            _ => new Fault(FaultCode.Unsupported, $"The media node does not know the command {command.GetType().Name}."),
        };
    }

    public Outcome<RoomAdopted> Adopt(string[] participantIds, MediaWorker worker, long now)
    {
        if (Open(worker, now) is { } fault)
        {
            return fault;
        }

        _reconciledAt = _sequence;
        foreach (var (id, _) in _transports.Where(t => !participantIds.Contains(t.Value.ParticipantId)).ToArray())
        {
            CloseTransport(id, now);
        }

        return new RoomAdopted(
            _router!.OfferedCapabilities.ToJson(),
            [.. _transports.Select(t => new AdoptedTransport(t.Key, t.Value.ParticipantId, t.Value.State, t.Value.Transport is RelayTransport, BitratesOf(t.Value.Transport)))],
            [.. _router!.Producers.Values.Where(p => !IsPiped(p)).Select(p => new AdoptedProducer(p.Id, p.Transport.Id, (Abstractions.Rooms.MediaKind)p.Kind, p.IsPaused))],
            [.. ClientConsumers().Select(c => new AdoptedConsumer(c.Id, c.Transport.Id, (c as ProducerConsumer)?.Producer.Id ?? "", c.IsPaused, SourceOf(c)))],
            DescribeSpeakers(),
            DescribePipes());
    }

    public Outcome<RoomReconciled> Reconcile(DesiredRoom desired, MediaWorker worker, long now)
    {
        if (Open(worker, now) is { } fault)
        {
            return fault;
        }

        _reconciledAt = _sequence;
        var router = _router!;
        foreach (var id in _transports.Keys.Except(desired.Transports.Select(t => t.TransportId)).ToArray())
        {
            CloseTransport(id, now);
        }

        ReconcilePipes(desired.Pipes ?? [], now);
        foreach (var producer in router.Producers.Values.Where(p => !IsPiped(p)).ExceptBy(desired.Producers.Select(p => p.ProducerId), p => p.Id).ToArray())
        {
            producer.Close(now);
        }

        foreach (var consumer in ClientConsumers().ExceptBy(desired.Consumers.Select(c => c.ConsumerId), c => c.Id).ToArray())
        {
            consumer.Close(now);
        }

        foreach (var wanted in desired.Transports)
        {
            if (_transports.TryGetValue(wanted.TransportId, out var owned))
            {
                owned.Transport.SetMaxVideoBitrate(wanted.MaxVideoBitrate, now);
                Allow(owned.Transport, wanted.Bitrates, now);
                worker.RunSoon(owned.Transport, now);
            }
        }

        foreach (var wanted in desired.Producers)
        {
            if (router.Producers.TryGetValue(wanted.ProducerId, out var producer))
            {
                Pause(producer, wanted.Paused, now);
            }
        }

        foreach (var wanted in desired.Consumers)
        {
            if (router.Consumers.TryGetValue(wanted.ConsumerId, out var consumer))
            {
                Pause(consumer, wanted.Paused, now);
            }
        }

        return new RoomReconciled(
            router.OfferedCapabilities.ToJson(),
            [.. desired.Transports.Select(t => t.TransportId).Where(id => !_transports.ContainsKey(id))],
            [.. desired.Producers.Select(p => p.ProducerId).Where(id => !router.Producers.TryGetValue(id, out var p) || IsCopy(p))],
            [.. desired.Consumers.Select(c => c.ConsumerId).Where(id => !router.Consumers.ContainsKey(id))],
            DescribePipes());
    }

    private Fault? Open(MediaWorker worker, long now)
    {
        if (_router is not null)
        {
            _router.SetTopSpeakers(_topSpeakers, now);
            return null;
        }

        _watch = new RoomWatch(this, reports);
        var opened = worker.CreateRouter(name, _watch, now, isBranch: home is not null);
        if (!opened.IsOk)
        {
            return FaultOf(opened.Fault, opened.Error);
        }

        _router = opened.Value;
        _router.SetTopSpeakers(_topSpeakers, now);
        return null;
    }

    /// <summary>Closes a room that has had no transport and no command for that many microseconds. True when it is closed.</summary>
    public bool CloseIfIdle(MediaWorker worker, long now, long idle)
    {
        if (!IsClosed && _transports.Count == 0 && Spread is not { IsSplit: true } && now - _lastCommandAt >= idle)
        {
            Close(worker, now);
        }

        return IsClosed;
    }

    private void Close(MediaWorker worker, long now)
    {
        IsClosed = true;
        _watch?.Stop();
        if (_router is not null)
        {
            worker.CloseRouter(_router, now);
        }

        _transports.Clear();
    }

    private Outcome<MediaReply> CreateTransport(CreateWebRtcTransport command, MediaWorker worker, long now)
    {
        if (_transports.TryGetValue(command.TransportId, out var known))
        {
            return known.ParticipantId == command.ParticipantId && known.Transport is WebRtcTransport same
                ? new TransportOpened(same.DescriptionJson)
                : new Fault(FaultCode.Conflict, "The transport belongs to another participant.");
        }

        var created = worker.CreateTransport(_router!, command.TransportId, _watch!, now);
        if (!created.IsOk)
        {
            return FaultOf(created.Fault, created.Error);
        }

        created.Value.Owner = command.ParticipantId;
        created.Value.SetMaxVideoBitrate(command.MaxVideoBitrate, now);
        Allow(created.Value, command.Bitrates, now);
        _transports.Add(command.TransportId, new OwnedTransport(created.Value, command.ParticipantId, now));
        return new TransportOpened(created.Value.DescriptionJson);
    }

    private Outcome<MediaReply> SetMaxVideoBitrate(SetMaxVideoBitrate command, long now)
    {
        if (!_transports.TryGetValue(command.TransportId, out var owned))
        {
            return NoTransport(command.TransportId);
        }

        if (command.Bitrate <= 0)
        {
            return new Fault(FaultCode.Invalid, "The bitrate must be above 0, or absent.");
        }

        owned.Transport.SetMaxVideoBitrate(command.Bitrate, now);
        return new MediaDone();
    }

    private Outcome<MediaReply> SetBitrates(SetTransportBitrates command, long now)
    {
        if (!_transports.TryGetValue(command.TransportId, out var owned))
        {
            return NoTransport(command.TransportId);
        }

        if (command.Bitrates is { MaxOutgoing: <= 0 } or { MinOutgoing: <= 0 } or { MaxIncoming: <= 0 })
        {
            return new Fault(FaultCode.Invalid, "The bitrates must be above 0, or absent.");
        }

        Allow(owned.Transport, command.Bitrates, now);
        return new MediaDone();
    }

    private static void Allow(Transport transport, TransportBitrates? bitrates, long now)
        => transport.SetBitrates(bitrates?.MaxOutgoing, bitrates?.MinOutgoing, bitrates?.MaxIncoming, now);

    private static TransportBitrates? BitratesOf(Transport transport)
        => (transport.MaxOutgoingBitrate ?? transport.MinOutgoingBitrate ?? transport.MaxIncomingBitrate) is null
            ? null
            : new TransportBitrates(transport.MaxOutgoingBitrate, transport.MinOutgoingBitrate, transport.MaxIncomingBitrate);

    private Outcome<MediaReply> Connect(ConnectWebRtcTransport command, long now)
    {
        if (FindWebRtc(command.TransportId) is not { } transport)
        {
            return NoTransport(command.TransportId);
        }

        var owned = _transports[command.TransportId];
        if (owned.DtlsParametersJson == command.DtlsParametersJson)
        {
            return new MediaDone();
        }

        if (!DtlsParameters.TryParse(command.DtlsParametersJson, out var parameters, out var error))
        {
            return new Fault(FaultCode.Invalid, error);
        }

        if (transport.Connect(parameters, now) is { } refused)
        {
            return new Fault(FaultCode.Conflict, refused);
        }

        owned.DtlsParametersJson = command.DtlsParametersJson;
        return new MediaDone();
    }

    private Outcome<MediaReply> CreateProducer(CreateProducer command, long now)
    {
        if (_router!.Producers.TryGetValue(command.ProducerId, out var known) && IsCopy(known))
        {
            // Of one that was at another part and is no more.
            known.Close(now);
        }
        else if (known is not null)
        {
            return known.Transport.Id == command.TransportId
                ? new MediaDone()
                : new Fault(FaultCode.Conflict, "The producer belongs to another transport.");
        }

        if (!_transports.TryGetValue(command.TransportId, out var owned))
        {
            return NoTransport(command.TransportId);
        }

        if (!RtpParameters.TryParse(command.RtpParametersJson, out var parameters, out var error))
        {
            return new Fault(FaultCode.Invalid, error);
        }

        var produced = owned.Transport.Produce(command.ProducerId, (MediaKind)command.Kind, parameters, command.Paused, now);
        return produced.IsOk ? new MediaDone() : FaultOf(produced.Fault, produced.Error);
    }

    private void CloseTransport(string id, long now)
    {
        if (_transports.Remove(id, out var owned))
        {
            owned.Transport.Close(now);
        }
    }

    /// <summary>A transport that closed by itself is the grain's no more.</summary>
    internal void Forget(string transportId) => _transports.Remove(transportId);

    /// <summary>The participant of a transport; null when it is gone.</summary>
    internal OwnedTransport? FindTransport(string transportId) => _transports.GetValueOrDefault(transportId);

    private Outcome<MediaReply> OnProducer(string id, Action<Producer> action)
    {
        if (!_router!.Producers.TryGetValue(id, out var producer))
        {
            return new Fault(FaultCode.NotFound, $"Producer {id} does not exist.");
        }

        action(producer);
        return new MediaDone();
    }

    private static void Pause(Producer producer, bool paused, long now)
    {
        if (paused)
        {
            producer.Pause(now);
        }
        else
        {
            producer.Resume(now);
        }
    }

    private static MediaDone Done(Action action)
    {
        action();
        return new MediaDone();
    }

    private static Fault NoTransport(string id) => new(FaultCode.NotFound, $"Transport {id} does not exist.");

    private static Fault FaultOf(MediaFault fault, string error) => new(
        fault switch
        {
            MediaFault.NotFound => FaultCode.NotFound,
            MediaFault.Conflict => FaultCode.Conflict,
            MediaFault.Unsupported => FaultCode.Unsupported,
            MediaFault.Closed => FaultCode.Gone,
            MediaFault.Full => FaultCode.Full,
            _ => FaultCode.Invalid,
        },
        error);

    /// <summary>A transport, its participant, and what it was connected with.</summary>
    internal sealed class OwnedTransport(Transport transport, string participantId, long createdAt)
    {
        public Transport Transport => transport;

        public MediaTransportState State => transport switch
        {
            WebRtcTransport webRtc => (MediaTransportState)webRtc.State,
            RelayTransport relay => RelayStates.Of(relay.State),
            PlainTransport { IsConnected: true } => MediaTransportState.Connected,
            _ => MediaTransportState.New,
        };

        public string ParticipantId => participantId;

        public long CreatedAt => createdAt;

        public string? DtlsParametersJson { get; set; }

        public bool WasConnected { get; set; }
    }
}
