using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Events;

/// <summary>Obeys other systems through the rooms: a channel's id is its room's name.</summary>
public sealed class ExternalEvents(IGrainFactory grains) : IExternalEvents
{
    /// <inheritdoc/>
    public async Task ChannelDeletedAsync(string channelId) =>
        await grains.GetGrain<IRoomGrain>(channelId).EvictAsync(null, LeaveReason.RoomClosed);

    /// <inheritdoc/>
    public async Task UserBannedAsync(Guid userId, string? channelId)
    {
        string[] rooms = channelId is not null ? [channelId] : await grains.GetGrain<IUserRoomsGrain>(userId).ListAsync();
        foreach (var room in rooms)
        {
            await grains.GetGrain<IRoomGrain>(room).EvictAsync(userId, LeaveReason.Removed);
        }
    }
}
