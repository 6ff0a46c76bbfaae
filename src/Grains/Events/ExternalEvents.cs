using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.Events;

/// <summary>
/// Obeys other systems. A channel's id is its room's name, and may be any text: one that is a UUID may be a channel of ours
/// as well, which then remembers that it is gone, or who is banned.
/// </summary>
public sealed class ExternalEvents(IGrainFactory grains) : IExternalEvents
{
    /// <inheritdoc/>
    public async Task ChannelDeletedAsync(string channelId)
    {
        if (Guid.TryParse(channelId, out var id))
        {
            await grains.GetGrain<IChannelGrain>(id).EndAsync();
        }

        if (id == Guid.Empty || channelId != ChannelInfo.RoomOf(id))
        {
            Demand(await grains.GetGrain<IRoomGrain>(channelId).CloseAsync(LeaveReason.RoomClosed));
        }
    }

    /// <inheritdoc/>
    public async Task UserBannedAsync(Guid userId, string? channelId)
    {
        string[] rooms;
        if (channelId is null)
        {
            await grains.GetGrain<IVoiceUserGrain>(userId).BanAsync();
            rooms = await grains.GetGrain<IUserRoomsGrain>(userId).ListAsync();
        }
        else
        {
            if (Guid.TryParse(channelId, out var id))
            {
                Demand(await grains.GetGrain<IChannelGrain>(id).BanAsync(userId));
            }

            rooms = [channelId];
        }

        foreach (var room in rooms)
        {
            Demand(await grains.GetGrain<IRoomGrain>(room).RemoveUserAsync(userId, LeaveReason.Removed));
        }
    }

    private static void Demand(Outcome<Done> outcome)
    {
        if (outcome.Fault is { } fault)
        {
            throw new OrleansException(fault.Message);
        }
    }
}
