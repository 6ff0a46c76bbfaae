using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Rooms;

/// <summary>Rooms of calls: the call says who may be in them, whichever door a client comes through.</summary>
public sealed partial class RoomGrain
{
    /// <inheritdoc/>
    public async Task CallChangedAsync(CallInfo call)
    {
        await RemoveStrangersAsync(call);
        await FinishAsync();
    }

    /// <summary>Null when the room is no call's, or the call lets the user in.</summary>
    private async Task<Fault?> CheckCallAsync(Guid userId)
    {
        if (!CallRoom.IsReserved(_name))
        {
            return null;
        }

        return CallRoom.TryParse(_name, out var callId)
            ? CallRoom.Check(await GrainFactory.GetGrain<ICallGrain>(callId).OpenRoomAsync(), userId)
            : CallRoom.Check(null, userId);
    }

    /// <summary>Finds what the call could not say when it changed, because a silo was lost.</summary>
    private async Task ReviewCallAsync()
    {
        if (_room.IsEmpty || !CallRoom.TryParse(_name, out var callId))
        {
            return;
        }

        try
        {
            await RemoveStrangersAsync(await GrainFactory.GetGrain<ICallGrain>(callId).OpenRoomAsync());
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // Nobody is put out because the call cannot be asked; the next round asks again.
            LogCallAway(logger, e, _name);
        }
    }

    private async Task RemoveStrangersAsync(CallInfo? call)
    {
        foreach (var participant in _state.Participants.Select(p => p.Info).ToArray())
        {
            if (CallRoom.Check(call, participant.UserId) is not null)
            {
                await RemoveParticipantAsync(participant.ParticipantId, call is { IsOver: false } ? LeaveReason.Removed : LeaveReason.RoomClosed);
            }
        }

        await CloseIfEmptyAsync();
    }

    [LoggerMessage(4029, LogLevel.Warning, "Room {Room}: its call cannot be asked who belongs to it")]
    private static partial void LogCallAway(ILogger logger, Exception exception, string room);
}
