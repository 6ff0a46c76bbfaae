using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>The channel as one session sees it, and the notices that its room's events become. Without any runtime.</summary>
public sealed class VoiceChannelView(Guid channelId, string ownParticipantId)
{
    private readonly Dictionary<string, ParticipantInfo> _participants = new(StringComparer.Ordinal);
    private readonly HashSet<string> _speaking = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _levels = new(StringComparer.Ordinal);
    private long _sequence;

    /// <summary>Everybody, the own participant included.</summary>
    public ParticipantInfo[] Participants => [.. _participants.Values];

    /// <summary>Who speaks now.</summary>
    public string[] Speaking => [.. _speaking];

    /// <summary>The own participant, or null while it is not in the room.</summary>
    public ParticipantInfo? Own => _participants.GetValueOrDefault(ownParticipantId);

    /// <summary>Begins anew from what the room looks like.</summary>
    public void Reset(RoomSnapshot room)
    {
        _participants.Clear();
        _speaking.Clear();
        _sequence = 0;
        foreach (var participant in room.Participants)
        {
            _participants[participant.ParticipantId] = participant;
        }

        _speaking.UnionWith(room.Speaking ?? []);
    }

    /// <summary>Takes events; false when some are missing before one of them, and the room must be asked.</summary>
    public bool TryApply(IReadOnlyList<RoomEvent> events, List<VoiceNotice> notices)
    {
        foreach (var roomEvent in events)
        {
            if (roomEvent is Evicted)
            {
                continue;
            }

            if (_sequence != 0 && roomEvent.Sequence != _sequence + 1)
            {
                return false;
            }

            _sequence = roomEvent.Sequence;
            if (roomEvent is SpeakersChanged speakers)
            {
                foreach (var speaker in speakers.Speakers)
                {
                    _levels[speaker.ParticipantId] = speaker.Level;
                }
            }
        }

        foreach (var roomEvent in events)
        {
            Apply(roomEvent, notices);
        }

        return true;
    }

    /// <summary>The last level of a speaker in dBov; null when none was told.</summary>
    public int? LevelOf(string participantId) => _levels.TryGetValue(participantId, out var level) ? level : null;

    private void Apply(RoomEvent roomEvent, List<VoiceNotice> notices)
    {
        switch (roomEvent)
        {
            case ParticipantJoined joined:
                _participants[joined.Participant.ParticipantId] = joined.Participant;
                notices.Add(new VoiceChangedNotice(VoiceChange.Created, channelId, joined.Participant, null));
                break;
            case ParticipantUpdated updated:
                _participants[updated.Participant.ParticipantId] = updated.Participant;
                notices.Add(new VoiceChangedNotice(VoiceChange.Updated, channelId, updated.Participant, null));
                break;
            case ParticipantLeft left:
                _speaking.Remove(left.ParticipantId);
                _levels.Remove(left.ParticipantId);
                if (_participants.Remove(left.ParticipantId, out var gone))
                {
                    notices.Add(new VoiceChangedNotice(VoiceChange.Ended, channelId, gone, left.Reason));
                }

                break;
            case SpeakingChanged speaking:
                foreach (var id in speaking.Stopped)
                {
                    if (_speaking.Remove(id) && _participants.TryGetValue(id, out var quiet))
                    {
                        notices.Add(new VoiceSpeakingNotice(false, channelId, quiet));
                    }
                }

                foreach (var id in speaking.Started)
                {
                    if (_speaking.Add(id) && _participants.TryGetValue(id, out var loud))
                    {
                        notices.Add(new VoiceSpeakingNotice(true, channelId, loud));
                    }
                }

                break;
        }
    }
}
