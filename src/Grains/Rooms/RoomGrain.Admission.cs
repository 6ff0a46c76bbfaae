using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Rooms;

/// <summary>Who may be in the room: a channel's rules hold in its room for every door.</summary>
public sealed partial class RoomGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<Done>> RemoveUserAsync(Guid userId, LeaveReason reason)
    {
        await RemoveAsync(p => p.UserId == userId, reason);
        return await FinishAsync(Done.Instance);
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> CloseAsync(LeaveReason reason)
    {
        await RemoveAsync(_ => true, reason);
        return await FinishAsync(Done.Instance);
    }

    private async Task RemoveAsync(Func<ParticipantInfo, bool> isMeant, LeaveReason reason)
    {
        foreach (var participant in _room.Snapshot().Participants.Where(isMeant))
        {
            await RemoveParticipantAsync(participant.ParticipantId, reason);
        }

        await CloseIfEmptyAsync();
    }

    /// <summary>Null when the channel of this room lets the user in, or the room is no channel's.</summary>
    private async Task<Fault?> AdmitAsync(JoinRoom request)
    {
        if (_room.Find(request.ParticipantId) is not null)
        {
            // A reconnect. Who is banned or whose channel ends is removed, and is not here.
            return null;
        }

        if (!Guid.TryParseExact(_name, "D", out var channelId))
        {
            return request.RequiresChannel ? NoChannel() : null;
        }

        var channel = await GrainFactory.GetGrain<IChannelGrain>(channelId).CheckAsync(request.UserId);
        if (!channel.Exists)
        {
            return request.RequiresChannel ? NoChannel() : null;
        }

        if (channel.IsBanned)
        {
            return new Fault(FaultCode.Forbidden, "The user is banned from this channel.");
        }

        if (channel.IsStranger)
        {
            return new Fault(FaultCode.Forbidden, "The channel is private, and the user no member of it.");
        }

        // A user with several devices counts once.
        var others = _room.Snapshot().Participants.Select(p => p.UserId).Where(u => u != request.UserId).Distinct().Count();
        return others >= channel.MaxUsers ? new Fault(FaultCode.Full, $"The channel is full: {channel.MaxUsers} users.") : null;
    }

    private static Fault NoChannel() => new(FaultCode.NotFound, "The channel does not exist.");
}
