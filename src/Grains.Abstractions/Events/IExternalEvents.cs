namespace VoiceCluster.Abstractions.Events;

/// <summary>
/// What other systems tell the cluster over the bus. Being told twice does no harm. An exception means that the cluster
/// could not do it now, and that it may be tried again.
/// </summary>
public interface IExternalEvents
{
    /// <summary>The channel is gone: its sessions end, and its room closes.</summary>
    Task ChannelDeletedAsync(string channelId);

    /// <summary>The user is banned from one channel, or from all: he is disconnected there.</summary>
    Task UserBannedAsync(Guid userId, string? channelId);
}
