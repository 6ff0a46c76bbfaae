using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>An event for the client. A volatile one says something that the next one of its kind replaces.</summary>
internal readonly record struct MediasoupEvent(string Name, SocketIoPayload Payload, bool IsVolatile = false);

/// <summary>
/// The room as one client was told it is. Room events and snapshots go in; what the client does not know yet comes out,
/// once: an event that says nothing new, or one about the client's own doings, gives nothing.
/// </summary>
internal sealed class MediasoupRoomView(string self)
{
    private readonly HashSet<string> _peers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ProducerInfo> _producers = new(StringComparer.Ordinal);

    /// <summary>The media node as far as the client was told; null when that is not known.</summary>
    public string? Node { get; private set; }

    /// <summary>Forgets everything and begins with a snapshot that the client was given.</summary>
    public void Reset(RoomSnapshot room)
    {
        _peers.Clear();
        _producers.Clear();
        Node = room.NodeOf(self);
        foreach (ParticipantInfo peer in room.Participants)
        {
            _peers.Add(peer.ParticipantId);
        }

        foreach (ProducerInfo producer in room.Producers)
        {
            _producers[producer.ProducerId] = producer;
        }
    }

    /// <summary>The client has made a transport there.</summary>
    public void NoteNode(string? node) => Node = node ?? Node;

    /// <summary>Adds what a room event means for the client.</summary>
    public void Apply(RoomEvent roomEvent, List<MediasoupEvent> output)
    {
        switch (roomEvent)
        {
            case ParticipantJoined joined:
                Join(joined.Participant, output);
                break;
            case ParticipantLeft left:
                Leave(left.ParticipantId, output);
                break;
            case ProducerAdded added:
                Add(added.Producer, output);
                break;
            case ProducerUpdated updated:
                Update(updated.Producer, output);
                break;
            case ProducerRemoved removed:
                Remove(removed.ProducerId, output);
                break;
            case SpeakersChanged speakers:
                output.Add(new MediasoupEvent("active-speakers", MediasoupAnswers.Speakers(speakers.Speakers), IsVolatile: true));
                break;
            case MediaMoved moved:
                // Every track ended with the old node; the event itself tells the client so.
                _producers.Clear();
                Node = null;
                output.Add(new MediasoupEvent("media-moved", MediasoupAnswers.Wrapped("rtpCapabilities", moved.RtpCapabilitiesJson)));
                foreach (ProducerInfo producer in moved.Producers ?? [])
                {
                    // On another node of the room: it goes on, but the client's consumer of it is gone.
                    Add(producer, output);
                }

                break;
            default:
                // Mute states reach this door as paused producers.
                break;
        }
    }

    /// <summary>Adds what differs between the view and the room as it is: the client missed it.</summary>
    public void Reconcile(RoomSnapshot room, List<MediasoupEvent> output)
    {
        Node = room.NodeOf(self);
        foreach (string gone in _producers.Keys.Except(room.Producers.Select(p => p.ProducerId), StringComparer.Ordinal).ToArray())
        {
            Remove(gone, output);
        }

        foreach (string gone in _peers.Except(room.Participants.Select(p => p.ParticipantId), StringComparer.Ordinal).ToArray())
        {
            Leave(gone, output);
        }

        foreach (ParticipantInfo peer in room.Participants)
        {
            Join(peer, output);
        }

        foreach (ProducerInfo producer in room.Producers)
        {
            Add(producer, output);
            Update(producer, output);
        }
    }

    /// <summary>The client itself closes a producer: it needs not be told.</summary>
    public void CloseOwn(string producerId)
    {
        if (_producers.TryGetValue(producerId, out ProducerInfo? producer) && producer.ParticipantId == self)
        {
            _producers.Remove(producerId);
        }
    }

    /// <summary>The client itself pauses or resumes a producer: it needs not be told.</summary>
    public void PauseOwn(string producerId, bool paused)
    {
        if (_producers.TryGetValue(producerId, out ProducerInfo? producer) && producer.ParticipantId == self)
        {
            _producers[producerId] = producer with { Paused = paused };
        }
    }

    private void Join(ParticipantInfo peer, List<MediasoupEvent> output)
    {
        if (_peers.Add(peer.ParticipantId) && peer.ParticipantId != self)
        {
            output.Add(new MediasoupEvent("peer-joined", MediasoupAnswers.Peer(peer)));
        }
    }

    private void Leave(string peerId, List<MediasoupEvent> output)
    {
        if (!_peers.Contains(peerId))
        {
            return;
        }

        foreach (string producerId in _producers.Values.Where(p => p.ParticipantId == peerId).Select(p => p.ProducerId).ToArray())
        {
            Remove(producerId, output);
        }

        _peers.Remove(peerId);
        if (peerId != self)
        {
            output.Add(new MediasoupEvent("peer-left", MediasoupAnswers.PeerLeft(peerId)));
        }
    }

    private void Add(ProducerInfo producer, List<MediasoupEvent> output)
    {
        if (_producers.TryAdd(producer.ProducerId, producer) && producer.ParticipantId != self)
        {
            output.Add(new MediasoupEvent("new-producer", MediasoupAnswers.NewProducer(producer)));
        }
    }

    private void Update(ProducerInfo producer, List<MediasoupEvent> output)
    {
        if (!_producers.TryGetValue(producer.ProducerId, out ProducerInfo? known) || known.Paused == producer.Paused)
        {
            return;
        }

        _producers[producer.ProducerId] = producer;
        output.Add(new MediasoupEvent(
            producer.Paused ? "producer-paused" : "producer-resumed",
            MediasoupAnswers.Producer(producer.ParticipantId, producer.ProducerId)));
    }

    private void Remove(string producerId, List<MediasoupEvent> output)
    {
        if (_producers.Remove(producerId, out ProducerInfo? producer))
        {
            output.Add(new MediasoupEvent("producer-closed", MediasoupAnswers.Producer(producer.ParticipantId, producerId)));
        }
    }
}
