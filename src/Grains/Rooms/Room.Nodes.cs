using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Rooms;

/// <summary>Which media node has what of the room. Everything of a participant is on the participant's node.</summary>
public sealed partial class Room
{
    private readonly Dictionary<MediaNodeId, Speaker[]> _speakers = [];

    /// <summary>The room's nodes, the first one first.</summary>
    public IEnumerable<MediaNodeId> Nodes => state.Node is null ? [] : [state.Node, .. state.MoreNodes];

    /// <summary>The participant's node: its own, or the room's first while it has no media.</summary>
    public MediaNodeId? NodeOf(string participantId) => Find(participantId)?.Node ?? state.Node;

    /// <summary>Who is on a node.</summary>
    public string[] ParticipantsOn(MediaNodeId node) =>
        [.. state.Participants.Select(p => p.Info.ParticipantId).Where(p => NodeOf(p) == node)];

    /// <summary>Whether anybody's media is on a node.</summary>
    public bool HasMediaOn(MediaNodeId node) => state.Participants.Exists(p => p.Node == node);

    /// <summary>What the room has on each of its nodes, and what one more participant there would add.</summary>
    public RoomShare[] Shares()
    {
        var nodes = NodesByParticipant();
        var receivers = _consumers.Values.CountBy(c => c.ParticipantId).ToDictionary();

        // Who comes receives as much as others do, and at least one.
        var own = receivers.Count == 0 ? 1 : (receivers.Values.Sum() + receivers.Count - 1) / receivers.Count;

        // And each who receives the others one by one receives the newcomer as well.
        var growing = _consumers.Values.Where(c => c.Source == ConsumerSource.Producer).Select(c => c.ParticipantId).ToHashSet();
        return
        [
            .. from node in Nodes
               select new RoomShare(
                   node,
                   receivers.Where(r => nodes.GetValueOrDefault(r.Key) == node).Sum(r => r.Value),
                   own + growing.Count(p => nodes.GetValueOrDefault(p) == node)),
        ];
    }

    /// <summary>Whether the room has the producer.</summary>
    public bool HasProducer(string producerId) => _producers.ContainsKey(producerId);

    /// <summary>Whether somebody on the node receives the producer, which is on another, or it is recorded there.</summary>
    public bool IsWantedOn(MediaNodeId node, string producerId) =>
        _producers.TryGetValue(producerId, out var producer) && IsWantedOn(node, producer);

    /// <summary>The producers of other nodes that somebody on this one receives, one by one or with all sound, or that are recorded here.</summary>
    public RoomProducer[] WantedOn(MediaNodeId node)
    {
        var nodes = NodesByParticipant();
        var consumers = _consumers.Values.Where(c => nodes.GetValueOrDefault(c.ParticipantId) == node).ToArray();
        var direct = consumers.Select(c => c.ProducerId).ToHashSet();
        var hearsAll = Array.Exists(consumers, c => c.Source != ConsumerSource.Producer)
            || _transports.Values.Any(t => t.HearsAll && nodes.GetValueOrDefault(t.ParticipantId) == node);
        return
        [
            .. _producers.Values.Where(p => nodes.GetValueOrDefault(p.ParticipantId) != node && (direct.Contains(p.Id) || (hearsAll && p.Kind == MediaKind.Audio) || IsRecordedOn(node, p.Kind))),
        ];
    }

    /// <summary>A producer of the room, whoever's it is; null when it is absent.</summary>
    public RoomProducer? FindProducer(string producerId) => _producers.GetValueOrDefault(producerId);

    /// <summary>Notes who speaks, as a media node reports it of its own participants. Unknown participants are left out.</summary>
    public void ReportSpeakers(MediaNodeId node, Speaker[] speakers)
    {
        _speakers[node] = speakers;
        TellSpeakers();
    }

    /// <summary>
    /// Drops what was on a node, because it is gone, and tells the participants who were there to make it anew. Who has no media
    /// belongs to the room's first node.
    /// </summary>
    public void MoveMedia(MediaNodeId node, string rtpCapabilitiesJson)
    {
        var moved = ParticipantsOn(node);
        var all = moved.Length == state.Participants.Count;
        var ended = all ? [] : _producers.Values.Where(p => moved.Contains(p.ParticipantId)).Select(p => p.Id).ToArray();
        foreach (var producerId in ended)
        {
            // The others have consumers of it, which are over.
            RemoveProducer(producerId);
        }

        ForgetMedia(node);
        _speakers.Remove(node);
        Silence(moved);
        foreach (var participant in state.Participants.Where(p => p.Node == node))
        {
            participant.Node = null;
        }

        ProducerInfo[] left = [.. _producers.Values.Select(Describe)];
        Emit(sequence => new MediaMoved(sequence, rtpCapabilitiesJson, all ? null : moved, left.Length == 0 ? null : left));
    }

    /// <summary>What one participant is told of events: whose media stays is not told to make it anew.</summary>
    public static RoomEvent[] For(string participantId, RoomEvent[] events)
    {
        return Array.Exists(events, IsOthers) ? Array.ConvertAll(events, e => IsOthers(e) ? new OthersMediaMoved(e.Sequence) : e) : events;

        bool IsOthers(RoomEvent e) => e is MediaMoved { ParticipantIds: { } moved } && !moved.Contains(participantId);
    }

    /// <summary>Takes over what a media node has, after this activation replaced an earlier one.</summary>
    public void Adopt(MediaNodeId node, RoomAdopted adopted)
    {
        ForgetMedia(node);
        foreach (var transport in adopted.Transports.Where(t => Find(t.ParticipantId) is not null && NodeOf(t.ParticipantId) == node))
        {
            _transports[transport.TransportId] = new RoomTransport(transport.TransportId, transport.ParticipantId, transport.HearsAll)
            {
                State = transport.State,
                Bitrates = transport.Bitrates,
            };
        }

        foreach (var producer in adopted.Producers)
        {
            if (_transports.TryGetValue(producer.TransportId, out var transport))
            {
                // The node knows only whether it holds the producer back; of a muted participant's that says nothing about the client's own pause.
                var muted = producer.Kind == MediaKind.Audio && Find(transport.ParticipantId) is { Info.Muted: true };
                _producers[producer.ProducerId] = new RoomProducer(
                    producer.ProducerId, transport.ParticipantId, producer.TransportId, producer.Kind, producer.Paused && !muted);
            }
        }

        foreach (var consumer in adopted.Consumers)
        {
            // Its producer may be on a node that has not answered yet: see RemoveOrphans.
            if (_transports.TryGetValue(consumer.TransportId, out var transport))
            {
                var deafened = Find(transport.ParticipantId) is { Info.Deafened: true };
                _consumers[consumer.ConsumerId] = new RoomConsumer(
                    consumer.ConsumerId, transport.ParticipantId, consumer.TransportId, consumer.ProducerId, consumer.Paused && !deafened, consumer.Source);
            }
        }

        if (adopted.Speakers is not null)
        {
            ReportSpeakers(node, adopted.Speakers);
        }
    }

    /// <summary>Removes the consumers of producers that no node has, once every node was asked.</summary>
    public void RemoveOrphans()
    {
        foreach (var consumer in _consumers.Values.Where(c => c.Source == ConsumerSource.Producer && !_producers.ContainsKey(c.ProducerId)).ToArray())
        {
            _consumers.Remove(consumer.Id);
        }
    }

    /// <summary>What a media node should have now, but for pipes.</summary>
    public DesiredRoom Desired(MediaNodeId node)
    {
        var nodes = NodesByParticipant();
        return new DesiredRoom(
            [.. _transports.Values.Where(t => nodes.GetValueOrDefault(t.ParticipantId) == node).Select(t => new DesiredTransport(t.Id, t.ParticipantId, MaxVideoBitrateOf(t.ParticipantId), t.Bitrates))],
            [.. _producers.Values.Where(p => nodes.GetValueOrDefault(p.ParticipantId) == node).Select(p => new DesiredProducer(p.Id, p.TransportId, IsHeldBack(p)))],
            [.. _consumers.Values.Where(c => nodes.GetValueOrDefault(c.ParticipantId) == node).Select(c => new DesiredConsumer(c.Id, c.TransportId, c.ProducerId, IsHeldBack(c)))]);
    }

    private Dictionary<string, MediaNodeId?> NodesByParticipant() =>
        state.Participants.ToDictionary(p => p.Info.ParticipantId, p => p.Node ?? state.Node);

    private bool IsWantedOn(MediaNodeId node, RoomProducer producer) =>
        NodeOf(producer.ParticipantId) != node
        && (_consumers.Values.Any(c => (c.ProducerId == producer.Id || (c.Source != ConsumerSource.Producer && producer.Kind == MediaKind.Audio))
                && NodeOf(c.ParticipantId) == node)
            || (producer.Kind == MediaKind.Audio && _transports.Values.Any(t => t.HearsAll && NodeOf(t.ParticipantId) == node))
            || IsRecordedOn(node, producer.Kind));

    /// <summary>Recordings run on the first node, and get there what others have.</summary>
    private bool IsRecordedOn(MediaNodeId node, MediaKind kind) =>
        node == state.Node && state.Recordings.Exists(r => kind == MediaKind.Audio || r.Plan.Video);

    /// <summary>Drops what is on a node without telling anybody.</summary>
    private void ForgetMedia(MediaNodeId node)
    {
        var nodes = NodesByParticipant();
        foreach (var transport in _transports.Values.Where(t => nodes.GetValueOrDefault(t.ParticipantId) == node).ToArray())
        {
            _transports.Remove(transport.Id);
        }

        foreach (var producer in _producers.Values.Where(p => !_transports.ContainsKey(p.TransportId)).ToArray())
        {
            _producers.Remove(producer.Id);
        }

        foreach (var consumer in _consumers.Values.Where(c => !_transports.ContainsKey(c.TransportId)).ToArray())
        {
            _consumers.Remove(consumer.Id);
        }
    }

    private void Silence(string[] participantIds)
    {
        foreach (var (node, speakers) in _speakers.ToArray())
        {
            _speakers[node] = [.. speakers.Where(s => !participantIds.Contains(s.ParticipantId))];
        }

        SetSpeaking([.. _speaking.Except(participantIds)]);
    }

    private void TellSpeakers()
    {
        Speaker[] known = [.. _speakers.Values.SelectMany(s => s).Where(s => Find(s.ParticipantId) is not null).OrderByDescending(s => s.Level)];
        SetSpeaking([.. known.Select(s => s.ParticipantId)]);
        Emit(sequence => new SpeakersChanged(sequence, known));
    }
}
