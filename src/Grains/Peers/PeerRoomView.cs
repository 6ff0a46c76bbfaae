using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Peers;

/// <summary>The room as one peer sees it: who is in it and sends what. Without any runtime.</summary>
public sealed class PeerRoomView(string ownParticipantId)
{
    private readonly Dictionary<string, ParticipantInfo> _participants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ProducerInfo> _producers = new(StringComparer.Ordinal);
    private long _sequence;

    /// <summary>Everybody, the own participant included.</summary>
    public ParticipantInfo[] Participants => [.. _participants.Values];

    /// <summary>What the others send.</summary>
    public IEnumerable<ProducerInfo> OthersProducers => _producers.Values.Where(p => p.ParticipantId != ownParticipantId);

    /// <summary>A participant, or null.</summary>
    public ParticipantInfo? Find(string? participantId) => participantId is null ? null : _participants.GetValueOrDefault(participantId);

    /// <summary>Begins anew from what the room looks like.</summary>
    public void Reset(RoomSnapshot room)
    {
        _participants.Clear();
        _producers.Clear();
        _sequence = 0;
        foreach (var participant in room.Participants)
        {
            _participants[participant.ParticipantId] = participant;
        }

        foreach (var producer in room.Producers)
        {
            _producers[producer.ProducerId] = producer;
        }
    }

    /// <summary>Takes events; false when some are missing before one of them, and the room must be asked.</summary>
    public bool TryApply(IReadOnlyList<RoomEvent> events, List<PeerNotice> notices)
    {
        foreach (var roomEvent in events.Where(e => e is not Evicted))
        {
            if (_sequence != 0 && roomEvent.Sequence != _sequence + 1)
            {
                return false;
            }

            _sequence = roomEvent.Sequence;
        }

        foreach (var roomEvent in events)
        {
            Apply(roomEvent, notices);
        }

        return true;
    }

    private void Apply(RoomEvent roomEvent, List<PeerNotice> notices)
    {
        switch (roomEvent)
        {
            case ParticipantJoined joined:
                _participants[joined.Participant.ParticipantId] = joined.Participant;
                if (joined.Participant.ParticipantId != ownParticipantId)
                {
                    // Of itself the peer knows by the room's description.
                    notices.Add(new PeerRoomEventNotice(joined, joined.Participant));
                }

                break;
            case ParticipantUpdated updated:
                _participants[updated.Participant.ParticipantId] = updated.Participant;
                notices.Add(new PeerRoomEventNotice(updated, updated.Participant));
                break;
            case ParticipantLeft left when _participants.Remove(left.ParticipantId, out var gone):
                notices.Add(new PeerRoomEventNotice(left, gone));
                break;
            case ProducerAdded added:
                _producers[added.Producer.ProducerId] = added.Producer;
                break;
            case ProducerUpdated updated:
                _producers[updated.Producer.ProducerId] = updated.Producer;
                break;
            case ProducerRemoved removed:
                _producers.Remove(removed.ProducerId);
                break;
            case SpeakersChanged speakers:
                notices.Add(new PeerRoomEventNotice(speakers, null));
                break;
            case MediaMoved moved:
                _producers.Clear();
                foreach (var producer in moved.Producers ?? [])
                {
                    // On another node of the room: it goes on.
                    _producers[producer.ProducerId] = producer;
                }

                break;
        }
    }
}
