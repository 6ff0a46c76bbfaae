using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>A channel's room as one client was told of it; it turns what happens there into messages.</summary>
internal sealed class ChannelView(Guid channelId, string self)
{
    private readonly Dictionary<string, ParticipantInfo> _participants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ProducerInfo> _voices = new(StringComparer.Ordinal);
    private HashSet<string> _speaking = new(StringComparer.Ordinal);

    /// <summary>Who is there.</summary>
    public IEnumerable<SocketUser> Users => _participants.Values.Select(p => UserOf(p) with { Speaking = _speaking.Contains(p.ParticipantId) });

    /// <summary>The others' voices, to be received.</summary>
    public string[] OtherVoices => [.. _voices.Values.Where(v => v.ParticipantId != self).Select(v => v.ProducerId)];

    /// <summary>Begins with what the room is.</summary>
    public void Reset(RoomSnapshot room)
    {
        _participants.Clear();
        _voices.Clear();
        foreach (var participant in room.Participants)
        {
            _participants[participant.ParticipantId] = participant;
        }

        foreach (var voice in room.Producers.Where(p => p.Kind == MediaKind.Audio))
        {
            _voices[voice.ProducerId] = voice;
        }

        _speaking = new HashSet<string>(room.Speaking ?? [], StringComparer.Ordinal);
    }

    /// <summary>What the client is told of an event, and the voices that came with it.</summary>
    public void Apply(RoomEvent roomEvent, List<byte[]> told, List<string> voices)
    {
        switch (roomEvent)
        {
            case ParticipantJoined joined:
                Join(joined.Participant, told);
                break;
            case ParticipantUpdated updated when _participants.ContainsKey(updated.Participant.ParticipantId):
                _participants[updated.Participant.ParticipantId] = updated.Participant;
                told.Add(ChannelSocketJson.UserUpdated(UserOf(updated.Participant), channelId));
                break;
            case ParticipantLeft left:
                Leave(left.ParticipantId, ChannelSocketJson.ReasonOf(left.Reason), told);
                break;
            case ProducerAdded added:
                Add(added.Producer, told, voices);
                break;
            case ProducerUpdated updated:
                Update(updated.Producer, told);
                break;
            case ProducerRemoved removed:
                Remove(removed.ProducerId, told);
                break;
            case SpeakingChanged speaking:
                Speak(speaking.Started, speaking.Stopped, told);
                break;
            case MediaMoved moved:
                // What is left is on other nodes of the room, and goes on.
                foreach (var voice in _voices.Keys.Except((moved.Producers ?? []).Select(p => p.ProducerId)).ToArray())
                {
                    Remove(voice, told);
                }

                break;
        }
    }

    /// <summary>What differs from what the client was told, after events were lost.</summary>
    public void Reconcile(RoomSnapshot room, List<byte[]> told, List<string> voices)
    {
        foreach (var gone in _participants.Keys.Except(room.Participants.Select(p => p.ParticipantId)).ToArray())
        {
            Leave(gone, null, told);
        }

        foreach (var participant in room.Participants)
        {
            if (!_participants.TryGetValue(participant.ParticipantId, out var known))
            {
                Join(participant, told);
            }
            else if (known != participant)
            {
                _participants[participant.ParticipantId] = participant;
                told.Add(ChannelSocketJson.UserUpdated(UserOf(participant), channelId));
            }
        }

        foreach (var gone in _voices.Keys.Except(room.Producers.Select(p => p.ProducerId)).ToArray())
        {
            Remove(gone, told);
        }

        foreach (var producer in room.Producers)
        {
            if (_voices.ContainsKey(producer.ProducerId))
            {
                Update(producer, told);
            }
            else
            {
                Add(producer, told, voices);
            }
        }

        var speaking = room.Speaking ?? [];
        Speak([.. speaking.Except(_speaking)], [.. _speaking.Except(speaking)], told);
    }

    private static SocketUser UserOf(ParticipantInfo participant) =>
        new(participant.UserId, participant.DisplayName, participant.Muted, participant.Deafened);

    private void Join(ParticipantInfo participant, List<byte[]> told)
    {
        _participants[participant.ParticipantId] = participant;
        if (participant.ParticipantId != self)
        {
            told.Add(ChannelSocketJson.UserJoined(UserOf(participant), channelId));
        }
    }

    private void Leave(string participantId, string? reason, List<byte[]> told)
    {
        if (_participants.Remove(participantId, out var participant))
        {
            told.Add(ChannelSocketJson.UserLeft(participant.UserId, channelId, reason));
        }
    }

    private void Add(ProducerInfo producer, List<byte[]> told, List<string> voices)
    {
        if (producer.Kind != MediaKind.Audio || !_voices.TryAdd(producer.ProducerId, producer))
        {
            return;
        }

        if (producer.ParticipantId != self)
        {
            voices.Add(producer.ProducerId);
        }

        Tell(producer, !producer.Paused, told);
    }

    private void Update(ProducerInfo producer, List<byte[]> told)
    {
        if (_voices.TryGetValue(producer.ProducerId, out var known) && known.Paused != producer.Paused)
        {
            _voices[producer.ProducerId] = producer;
            Tell(producer, !producer.Paused, told);
        }
    }

    private void Remove(string producerId, List<byte[]> told)
    {
        if (_voices.Remove(producerId, out var known) && !known.Paused)
        {
            Tell(known, started: false, told);
        }
    }

    private void Tell(ProducerInfo producer, bool started, List<byte[]> told)
    {
        // A paused one that comes has never started for the client.
        if ((started || !producer.Paused || _voices.ContainsKey(producer.ProducerId)) && _participants.TryGetValue(producer.ParticipantId, out var owner))
        {
            told.Add(ChannelSocketJson.Audio(started, owner.UserId, channelId));
        }
    }

    private void Speak(string[] started, string[] stopped, List<byte[]> told)
    {
        foreach (var (ids, isStart) in ((string[], bool)[])[(started, true), (stopped, false)])
        {
            foreach (var id in ids)
            {
                _ = isStart ? _speaking.Add(id) : _speaking.Remove(id);
                if (_participants.TryGetValue(id, out var participant))
                {
                    told.Add(ChannelSocketJson.Speaking(isStart, participant.UserId, channelId));
                }
            }
        }
    }
}
