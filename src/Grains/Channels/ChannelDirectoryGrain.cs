using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;

namespace VoiceCluster.Grains.Channels;

/// <summary>The list of all channels. It calls nobody.</summary>
public sealed class ChannelDirectoryGrain(
    [PersistentState("directory", GrainStores.Channels)] IPersistentState<ChannelDirectoryState> store,
    IOptions<ChannelOptions> options) : Grain, IChannelDirectoryGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<Done>> AddAsync(ChannelInfo channel)
    {
        var channels = store.State.Channels;
        if (channels.Exists(c => c.Id == channel.Id))
        {
            return Done.Instance;
        }

        if (channels.Count >= options.Value.MaxChannels)
        {
            return new Fault(FaultCode.Full, $"There are {options.Value.MaxChannels} channels, and no more are allowed.");
        }

        await SaveAsync([.. channels, channel]);
        return Done.Instance;
    }

    /// <inheritdoc/>
    public async Task UpdateAsync(ChannelInfo channel)
    {
        if (store.State.Channels.Exists(c => c.Id == channel.Id))
        {
            await SaveAsync([.. store.State.Channels.Select(c => c.Id == channel.Id ? channel : c)]);
        }
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(Guid channelId)
    {
        if (store.State.Channels.Exists(c => c.Id == channelId))
        {
            await SaveAsync([.. store.State.Channels.Where(c => c.Id != channelId)]);
        }
    }

    /// <inheritdoc/>
    public Task<ChannelInfo[]> ListAsync(Guid? ownerId) =>
        Task.FromResult(store.State.Channels.Where(c => ownerId is null || c.OwnerId == ownerId).ToArray());

    private async Task SaveAsync(List<ChannelInfo> channels)
    {
        var before = store.State;
        store.State = new ChannelDirectoryState { Channels = channels };
        try
        {
            await store.WriteStateAsync();
        }
        catch (Exception)
        {
            store.State = before;
            throw;
        }
    }
}
