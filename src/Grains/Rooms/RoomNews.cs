using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Rooms;

/// <summary>
/// Tells the world what happens in the room: the events that participants get, with what an outsider needs to
/// understand them. One instance an epoch.
/// </summary>
public sealed class RoomNews(string room, long epoch, IEventPublisher publisher, TimeProvider time)
{
    private readonly Dictionary<string, ParticipantInfo> _present = [];
    private long _sequence;
    private bool _isOpen;

    /// <summary>The epoch begins, with these participants.</summary>
    public void Open(IEnumerable<ParticipantInfo> participants)
    {
        ParticipantInfo[] present = [.. participants];
        _isOpen = true;
        _present.Clear();
        foreach (var participant in present)
        {
            _present[participant.ParticipantId] = participant;
        }

        Publish((id, now, sequence) => new RoomOpenedEvent(id, now, room, epoch, sequence, present));
    }

    /// <summary>Tells the room's events. <paramref name="node"/> is where its media is now.</summary>
    public void Tell(IEnumerable<RoomEvent> events, MediaNodeId? node)
    {
        foreach (var roomEvent in events)
        {
            Tell(roomEvent, node);
        }
    }

    /// <summary>Nobody is left.</summary>
    public void Close()
    {
        if (_isOpen)
        {
            _isOpen = false;
            _present.Clear();
            Publish((id, now, sequence) => new RoomClosedEvent(id, now, room, epoch, sequence));
        }
    }

    private void Tell(RoomEvent roomEvent, MediaNodeId? node)
    {
        switch (roomEvent)
        {
            case ParticipantJoined joined:
                if (!_isOpen)
                {
                    Open([]);
                }

                _present[joined.Participant.ParticipantId] = joined.Participant;
                Publish((id, now, sequence) => new RoomParticipantEvent(
                    id, EventTypes.RoomParticipantJoined, now, room, epoch, sequence, joined.Participant));
                break;
            case ParticipantUpdated updated:
                _present[updated.Participant.ParticipantId] = updated.Participant;
                Publish((id, now, sequence) => new RoomParticipantEvent(
                    id, EventTypes.RoomParticipantUpdated, now, room, epoch, sequence, updated.Participant));
                break;
            case ParticipantLeft left when _present.Remove(left.ParticipantId, out var participant):
                Publish((id, now, sequence) => new RoomParticipantLeftEvent(id, now, room, epoch, sequence, participant, left.Reason));
                break;
            case ProducerAdded added:
                PublishProducer(EventTypes.RoomProducerAdded, added.Producer);
                break;
            case ProducerUpdated updated:
                PublishProducer(EventTypes.RoomProducerUpdated, updated.Producer);
                break;
            case ProducerRemoved removed:
                Publish((id, now, sequence) => new RoomProducerRemovedEvent(
                    id, now, room, epoch, sequence, removed.ProducerId, removed.ParticipantId, UserOf(removed.ParticipantId)));
                break;
            case OthersMediaMoved or MediaMoved { ParticipantIds: not null }:
                // Of a room on several nodes some go on: the world is told of each producer that ended instead.
                break;
            case MediaMoved:
                Publish((id, now, sequence) => new RoomMediaMovedEvent(id, now, room, epoch, sequence, node?.Name));
                break;
            case SpeakingChanged speaking:
                PublishSpeaking(EventTypes.RoomSpeakingStarted, speaking.Started);
                PublishSpeaking(EventTypes.RoomSpeakingStopped, speaking.Stopped);
                break;
            case SpeakersChanged speakers:
                var at = time.GetUtcNow();
                publisher.PublishTransient(new RoomSpeakersEvent(
                    Guid.CreateVersion7(at),
                    at,
                    room,
                    epoch,
                    [.. speakers.Speakers.Select(s => new RoomSpeaker(s.ParticipantId, UserOf(s.ParticipantId), s.Level))]));
                break;
        }
    }

    private void PublishProducer(string type, ProducerInfo producer) => Publish((id, now, sequence) =>
        new RoomProducerEvent(id, type, now, room, epoch, sequence, producer, UserOf(producer.ParticipantId)));

    private void PublishSpeaking(string type, string[] participants)
    {
        foreach (var participantId in participants)
        {
            var now = time.GetUtcNow();
            publisher.PublishTransient(new RoomSpeakingEvent(Guid.CreateVersion7(now), type, now, room, epoch, participantId, UserOf(participantId)));
        }
    }

    private Guid? UserOf(string participantId) => _present.TryGetValue(participantId, out var participant) ? participant.UserId : null;

    private void Publish(Func<Guid, DateTimeOffset, long, RoomDomainEvent> make)
    {
        var now = time.GetUtcNow();
        publisher.Publish(make(Guid.CreateVersion7(now), now, ++_sequence));
    }
}
