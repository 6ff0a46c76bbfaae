using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.CallSessions;

namespace VoiceCluster.Grains.Rooms;

/// <summary>Rooms of call sessions: the session says who may be in them, whether muted, and what each receives.</summary>
public sealed partial class RoomGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<Done>> SetReceiveQualityAsync(Guid userId, int quality)
    {
        await _media.EnsureAsync();
        foreach (var (participantId, command) in _room.SetQuality(userId, quality))
        {
            _unsaved = true;
            await _media.ExecuteAsync(participantId, command);
        }

        return await FinishAsync(Done.Instance);
    }

    /// <summary>The request as the session lets it in, or why not. A room that is no session's lets in everybody as they come.</summary>
    private async Task<Outcome<JoinRoom>> AdmitToSessionAsync(JoinRoom request)
    {
        if (!CallSessionRoom.TryParse(_name, out var sessionId))
        {
            return request;
        }

        var admitted = await GrainFactory.GetGrain<ICallSessionGrain>(sessionId).AdmitAsync(request.UserId);
        if (admitted.Fault is { } fault)
        {
            return fault;
        }

        _room.SetQuality(request.UserId, admitted.Value!.Quality);
        return request with { Muted = request.Muted || admitted.Value.Muted };
    }

    /// <summary>Finds what the session could not say when it changed, because a silo was lost, and what its time has ended.</summary>
    private async Task ReviewSessionAsync()
    {
        if (_room.IsEmpty || !CallSessionRoom.TryParse(_name, out var sessionId))
        {
            return;
        }

        Outcome<CallSessionInfo> asked;
        try
        {
            asked = await GrainFactory.GetGrain<ICallSessionGrain>(sessionId).GetAsync(null);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // Nobody is put out because the session cannot be asked; the next round asks again.
            LogCallAway(logger, e, _name);
            return;
        }

        foreach (var participant in _state.Participants.Select(p => p.Info).ToArray())
        {
            var member = asked.Value is { IsOver: false } session ? session.Find(participant.UserId) : null;
            if (member is null)
            {
                await RemoveParticipantAsync(participant.ParticipantId, asked.Value is { IsOver: false } ? LeaveReason.Removed : LeaveReason.RoomClosed);
                continue;
            }

            foreach (var (participantId, command) in _room.SetQuality(participant.UserId, member.Quality))
            {
                _unsaved = true;
                await _media.ExecuteAsync(participantId, command);
            }
        }

        await CloseIfEmptyAsync();
    }
}
