using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Tests.Media;

/// <summary>A media node that keeps objects without forwarding anything, and can be made to misbehave.</summary>
internal sealed class InMemoryMediaNode : IMediaNode
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, HostedRoom> _rooms = [];

    public List<MediaCommand> Commands { get; } = [];

    /// <summary>While set, commands fail as if the node did not answer, after having been executed.</summary>
    public bool LosesReplies { get; set; }

    /// <summary>While set, commands fail without having been executed.</summary>
    public bool DropsCommands { get; set; }

    /// <summary>Transports that it takes in all rooms together.</summary>
    public int MaxTransports { get; set; } = int.MaxValue;

    /// <summary>What its heartbeats say.</summary>
    public int MaxConsumers { get; set; } = 1_000;

    /// <summary>Consumers of all its rooms.</summary>
    public int ConsumerCount
    {
        get
        {
            lock (_lock)
            {
                return _rooms.Values.Sum(r => r.Consumers.Count);
            }
        }
    }

    /// <summary>Done when a fleet that goes has asked for a heartbeat.</summary>
    public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task FleetMovesAsync()
    {
        Asked.TrySetResult();
        return Task.CompletedTask;
    }

    public HostedRoom? Find(string room)
    {
        lock (_lock)
        {
            return _rooms.GetValueOrDefault(room);
        }
    }

    public MediaCommand[] CommandsSoFar()
    {
        lock (_lock)
        {
            return [.. Commands];
        }
    }

    /// <summary>Forgets everything, as a restarted process does.</summary>
    public void Restart()
    {
        lock (_lock)
        {
            _rooms.Clear();
        }
    }

    public Task<Outcome<MediaReply>> ExecuteAsync(RoomCommandHeader header, MediaCommand command)
    {
        lock (_lock)
        {
            Commands.Add(command);
            if (DropsCommands)
            {
                return Task.FromException<Outcome<MediaReply>>(new TimeoutException("The command was lost."));
            }

            if (!TryOpen(header, out var room))
            {
                return Task.FromResult<Outcome<MediaReply>>(new Fault(FaultCode.Superseded, "old epoch"));
            }

            var reply = Apply(header, room, command);
            return LosesReplies
                ? Task.FromException<Outcome<MediaReply>>(new TimeoutException("The reply was lost."))
                : Task.FromResult(reply);
        }
    }

    public Task<Outcome<RoomAdopted>> AdoptAsync(RoomCommandHeader header, string[] participantIds)
    {
        lock (_lock)
        {
            if (!TryOpen(header, out var room))
            {
                return Task.FromResult<Outcome<RoomAdopted>>(new Fault(FaultCode.Superseded, "old epoch"));
            }

            foreach (var transport in room.Transports.Where(t => !participantIds.Contains(t.Value)).ToArray())
            {
                room.RemoveTransport(transport.Key);
            }

            return Task.FromResult<Outcome<RoomAdopted>>(new RoomAdopted(
                HostedRoom.Capabilities,
                [.. room.Transports.Select(t => new AdoptedTransport(t.Key, t.Value, Bitrates: room.Bitrates.GetValueOrDefault(t.Key)))],
                [.. room.Producers.Values.Where(p => room.Transports.ContainsKey(p.TransportId))],
                [.. room.Consumers.Values],
                Pipes: room.DescribePipes()));
        }
    }

    public Task<Outcome<RoomReconciled>> ReconcileAsync(RoomCommandHeader header, DesiredRoom desired)
    {
        lock (_lock)
        {
            if (!TryOpen(header, out var room))
            {
                return Task.FromResult<Outcome<RoomReconciled>>(new Fault(FaultCode.Superseded, "old epoch"));
            }

            foreach (var extra in room.Transports.Keys.Except(desired.Transports.Select(t => t.TransportId)).ToArray())
            {
                room.RemoveTransport(extra);
            }

            foreach (var pipe in room.Pipes.Keys.Except((desired.Pipes ?? []).Select(p => p.PipeId)).ToArray())
            {
                room.ClosePipe(pipe);
            }

            foreach (var wanted in desired.Pipes ?? [])
            {
                if (room.Pipes.TryGetValue(wanted.PipeId, out var pipe))
                {
                    pipe.Out.IntersectWith(wanted.Out);
                    foreach (var extra in room.Producers.Values.Where(p => p.TransportId == wanted.PipeId && wanted.In.All(i => i.ProducerId != p.ProducerId)).ToArray())
                    {
                        room.CloseProducer(extra.ProducerId);
                    }
                }
            }

            foreach (var wanted in desired.Transports)
            {
                room.VideoLimits[wanted.TransportId] = wanted.MaxVideoBitrate;
                room.Bitrates[wanted.TransportId] = wanted.Bitrates;
            }

            foreach (var wanted in desired.Producers.Where(p => room.Producers.ContainsKey(p.ProducerId)))
            {
                room.Producers[wanted.ProducerId] = room.Producers[wanted.ProducerId] with { Paused = wanted.Paused };
            }

            foreach (var wanted in desired.Consumers.Where(c => room.Consumers.ContainsKey(c.ConsumerId)))
            {
                room.Consumers[wanted.ConsumerId] = room.Consumers[wanted.ConsumerId] with { Paused = wanted.Paused };
            }

            return Task.FromResult<Outcome<RoomReconciled>>(new RoomReconciled(
                HostedRoom.Capabilities,
                [.. desired.Transports.Select(t => t.TransportId).Except(room.Transports.Keys)],
                [.. desired.Producers.Select(p => p.ProducerId).Except(room.Producers.Keys)],
                [.. desired.Consumers.Select(c => c.ConsumerId).Except(room.Consumers.Keys)],
                room.DescribePipes()));
        }
    }

    private bool TryOpen(RoomCommandHeader header, out HostedRoom room)
    {
        if (!_rooms.TryGetValue(header.Room, out room!))
        {
            room = _rooms[header.Room] = new HostedRoom();
        }

        if (header.Epoch < room.Epoch)
        {
            return false;
        }

        room.Epoch = header.Epoch;
        room.TopSpeakers = header.TopSpeakers;
        return true;
    }

    private Outcome<MediaReply> Apply(RoomCommandHeader header, HostedRoom room, MediaCommand command)
    {
        switch (command)
        {
            case OpenRoom:
                return new RoomOpened(HostedRoom.Capabilities);
            case CloseRoom:
                _rooms.Remove(header.Room);
                return new MediaDone();
            case CreateWebRtcTransport or CreateRelayTransport when _rooms.Values.Sum(r => r.Transports.Count) >= MaxTransports:
                return new Fault(FaultCode.Full, "The media node has no room for another transport.");
            case CreateWebRtcTransport create:
                room.Transports[create.TransportId] = create.ParticipantId;
                room.VideoLimits[create.TransportId] = create.MaxVideoBitrate;
                room.Bitrates[create.TransportId] = create.Bitrates;
                return new TransportOpened($$"""{"id":"{{create.TransportId}}"}""");
            case CreateRelayTransport create:
                room.Transports[create.TransportId] = create.ParticipantId;
                return new RelayTransportOpened(new RelayEndPoint("192.0.2.7", 3002), new RelayMedia("send", "receive", "mix"));
            case ReportAudio:
                var clients = room.Transports.Count;
                return new AudioReported(
                    AudioStatistics.None with { Clients = clients, PacketsReceived = 100 * clients, PacketsLost = clients, PacketsExpected = 101 * clients, JitterMilliseconds = clients },
                    Voices: clients,
                    RoundTrips: [.. Enumerable.Range(1, clients).Select(i => (double)i)]);
            case ConnectWebRtcTransport:
                return new MediaDone();
            case SetMaxVideoBitrate set:
                room.VideoLimits[set.TransportId] = set.Bitrate;
                return new MediaDone();
            case SetTransportBitrates set:
                room.Bitrates[set.TransportId] = set.Bitrates;
                return new MediaDone();
            case RestartIce:
                return new IceRestarted("{}");
            case CloseTransport close:
                room.RemoveTransport(close.TransportId);
                return new MediaDone();
            case CreateProducer create when create.RtpParametersJson == "bad":
                return new Fault(FaultCode.Invalid, "rtpParameters: bad");
            case CreateProducer create:
                room.Producers[create.ProducerId] = new AdoptedProducer(create.ProducerId, create.TransportId, create.Kind, create.Paused);
                return new MediaDone();
            case SetProducerPaused set:
                room.Producers[set.ProducerId] = room.Producers[set.ProducerId] with { Paused = set.Paused };
                return new MediaDone();
            case CloseProducer close:
                room.CloseProducer(close.ProducerId);
                return new MediaDone();
            case CreatePipeTransport create:
                room.Pipes.TryAdd(create.PipeId, new HostedPipe());
                return new PipeTransportOpened(new PipeEnd("10.0.0.1", 10_000, "AEAD_AES_128_GCM", $"{create.PipeId} {GetHashCode()}", 1));
            case ConnectPipeTransport connect when room.Pipes.TryGetValue(connect.PipeId, out var pipe):
                pipe.Remote = connect.Remote;
                return new MediaDone();
            case ClosePipeTransport close:
                room.ClosePipe(close.PipeId);
                return new MediaDone();
            case CreatePipeConsumer create when room.Pipes.TryGetValue(create.PipeId, out var pipe)
                && room.Producers.TryGetValue(create.ProducerId, out var source) && room.Transports.ContainsKey(source.TransportId):
                pipe.Out.Add(create.ProducerId);
                return new PipeConsumerOpened("{}", source.Kind);
            case ClosePipeConsumer close:
                room.Pipes.GetValueOrDefault(close.PipeId)?.Out.Remove(close.ProducerId);
                return new MediaDone();
            case CreatePipeProducer create when room.Pipes.ContainsKey(create.PipeId):
                room.Producers[create.ProducerId] = new AdoptedProducer(create.ProducerId, create.PipeId, create.Kind, create.Paused);
                return new MediaDone();
            case ConnectPipeTransport or CreatePipeConsumer or CreatePipeProducer:
                return new Fault(FaultCode.NotFound, "no such pipe or producer");
            case CreateConsumer lost when !room.Producers.ContainsKey(lost.ProducerId):
                return new Fault(FaultCode.NotFound, "no such producer");
            case CreateConsumer create:
                var producer = room.Producers[create.ProducerId];
                room.Consumers[create.ConsumerId] = new AdoptedConsumer(create.ConsumerId, create.TransportId, create.ProducerId, create.Paused);
                return new ConsumerOpened("{}", producer.Kind, producer.Paused);
            case CreateSlotConsumers create:
                foreach (var id in create.ConsumerIds)
                {
                    room.Consumers[id] = new AdoptedConsumer(id, create.TransportId, "", create.Paused, ConsumerSource.Loudest);
                }

                return new SlotConsumersOpened([.. create.RtpParametersJson.Select(p => p + "+ssrc")]);
            case CreateMixConsumer create:
                room.Consumers[create.ConsumerId] = new AdoptedConsumer(create.ConsumerId, create.TransportId, "", create.Paused, ConsumerSource.Mix);
                return new ConsumerOpened(create.RtpParametersJson + "+ssrc", MediaKind.Audio, ProducerPaused: false);
            case SetConsumerPaused set:
                room.Consumers[set.ConsumerId] = room.Consumers[set.ConsumerId] with { Paused = set.Paused };
                return new MediaDone();
            case CloseConsumer close:
                room.Consumers.Remove(close.ConsumerId);
                return new MediaDone();
            default:
                return new MediaDone();
        }
    }

    /// <summary>One room's objects on the node.</summary>
    internal sealed class HostedRoom
    {
        public const string Capabilities = """{"codecs":[]}""";

        public long Epoch { get; set; }

        /// <summary>As the last command said.</summary>
        public int TopSpeakers { get; set; }

        public Dictionary<string, string> Transports { get; } = [];

        /// <summary>What transports are sent of video at most.</summary>
        public Dictionary<string, long?> VideoLimits { get; } = [];

        /// <summary>What applications allow on transports.</summary>
        public Dictionary<string, TransportBitrates?> Bitrates { get; } = [];

        public Dictionary<string, AdoptedProducer> Producers { get; } = [];

        public Dictionary<string, AdoptedConsumer> Consumers { get; } = [];

        public Dictionary<string, HostedPipe> Pipes { get; } = [];

        public AdoptedPipe[] DescribePipes() =>
            [.. Pipes.Select(p => new AdoptedPipe(p.Key, p.Value.Remote is not null, [.. p.Value.Out], InOf(p.Key)))];

        /// <summary>What comes through a pipe.</summary>
        public string[] InOf(string pipeId) => [.. Producers.Values.Where(p => p.TransportId == pipeId).Select(p => p.ProducerId)];

        public void ClosePipe(string pipeId)
        {
            Pipes.Remove(pipeId);
            foreach (var producerId in InOf(pipeId))
            {
                CloseProducer(producerId);
            }
        }

        public void CloseProducer(string producerId)
        {
            Producers.Remove(producerId);
            foreach (var pipe in Pipes.Values)
            {
                pipe.Out.Remove(producerId);
            }

            foreach (var consumer in Consumers.Values.Where(c => c.ProducerId == producerId).ToArray())
            {
                Consumers.Remove(consumer.ConsumerId);
            }
        }

        public void RemoveTransport(string transportId)
        {
            Transports.Remove(transportId);
            foreach (var producer in Producers.Values.Where(p => p.TransportId == transportId).ToArray())
            {
                CloseProducer(producer.ProducerId);
            }

            foreach (var consumer in Consumers.Values.Where(c => c.TransportId == transportId).ToArray())
            {
                Consumers.Remove(consumer.ConsumerId);
            }
        }
    }

    /// <summary>One end of a pipe.</summary>
    internal sealed class HostedPipe
    {
        public PipeEnd? Remote { get; set; }

        public HashSet<string> Out { get; } = [];
    }
}
