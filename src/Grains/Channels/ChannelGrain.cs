using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Channels;

/// <summary>
/// The shell of <see cref="Channel"/>. It stores first and then ends what no longer may be in the room: the room asks it before
/// each join, so that nobody slips in between.
/// </summary>
public sealed partial class ChannelGrain(
    [PersistentState("channel", GrainStores.Channels)] IPersistentState<ChannelState> store,
    IOptions<ChannelOptions> options,
    TimeProvider time,
    ILogger<ChannelGrain> logger) : Grain, IChannelGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<ChannelInfo>> CreateAsync(CreateChannel request)
    {
        if (store.State.Channel is not null)
        {
            return new Fault(FaultCode.Conflict, "The channel exists already.");
        }

        var channel = Channel.Create(this.GetPrimaryKey(), request, time.GetUtcNow(), options.Value);
        if (channel.Fault is not null)
        {
            return channel;
        }

        var listed = await Directory.AddAsync(channel.Value!);
        if (listed.Fault is { } full)
        {
            return full;
        }

        if (!await TrySaveAsync(channel.Value))
        {
            await Directory.RemoveAsync(this.GetPrimaryKey());
            return Unavailable();
        }

        LogCreated(logger, channel.Value!.Id, channel.Value.Name, channel.Value.OwnerId);
        return channel;
    }

    /// <inheritdoc/>
    public Task<Outcome<ChannelInfo>> GetAsync() =>
        Task.FromResult<Outcome<ChannelInfo>>(store.State.Channel is { } channel ? channel : Channel.NotFound());

    /// <inheritdoc/>
    public async Task<Outcome<ChannelInfo>> UpdateAsync(Guid userId, UpdateChannel change)
    {
        var channel = Channel.Update(store.State.Channel, userId, change, options.Value);
        if (channel.Fault is not null)
        {
            return channel;
        }

        if (!await TrySaveAsync(channel.Value))
        {
            return Unavailable();
        }

        await Directory.UpdateAsync(channel.Value!);
        return channel;
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> DeleteAsync(Guid userId)
    {
        if (Channel.CheckOwner(store.State.Channel, userId) is { } fault)
        {
            return fault;
        }

        if (!await TrySaveAsync(null))
        {
            return Unavailable();
        }

        await FinishEndAsync();
        return Done.Instance;
    }

    /// <inheritdoc/>
    public async Task EndAsync()
    {
        if (store.State.Channel is not null && !await TrySaveAsync(null))
        {
            throw new OrleansException("The channel cannot be stored as deleted now. Try again.");
        }

        await FinishEndAsync();
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> BanAsync(Guid userId)
    {
        var banned = new ChannelState { Banned = [.. store.State.Banned] };
        if (Channel.Ban(banned, userId, options.Value.MaxBansPerChannel) && !await TrySaveAsync(store.State.Channel, banned: banned.Banned))
        {
            return Unavailable();
        }

        return await Room.RemoveUserAsync(userId, LeaveReason.Removed);
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> UnbanAsync(Guid userId) =>
        !store.State.Banned.Contains(userId) || await TrySaveAsync(store.State.Channel, banned: [.. store.State.Banned.Where(b => b != userId)])
            ? Done.Instance
            : Unavailable();

    /// <inheritdoc/>
    public async Task<Outcome<Done>> AddMemberAsync(Guid callerId, Guid userId)
    {
        if (Channel.CheckOwner(store.State.Channel, callerId) is { } fault)
        {
            return fault;
        }

        var members = store.State.Members;
        if (members.Contains(userId) || store.State.Channel!.OwnerId == userId)
        {
            return Done.Instance;
        }

        if (members.Count >= options.Value.MaxMembersPerChannel)
        {
            return new Fault(FaultCode.Full, $"The channel has {options.Value.MaxMembersPerChannel} members, and no more are allowed.");
        }

        return await TrySaveAsync(store.State.Channel, members: [.. members, userId]) ? Done.Instance : Unavailable();
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> RemoveMemberAsync(Guid callerId, Guid userId)
    {
        if (store.State.Channel is not { } channel)
        {
            return Channel.NotFound();
        }

        if (callerId != userId && Channel.CheckOwner(channel, callerId) is { } fault)
        {
            return fault;
        }

        if (!store.State.Members.Contains(userId))
        {
            return Done.Instance;
        }

        if (!await TrySaveAsync(channel, members: [.. store.State.Members.Where(m => m != userId)]))
        {
            return Unavailable();
        }

        return channel.IsPrivate && channel.OwnerId != userId ? await Room.RemoveUserAsync(userId, LeaveReason.Removed) : Done.Instance;
    }

    /// <inheritdoc/>
    public Task<Outcome<ChannelMembers>> GetMembersAsync() => Task.FromResult<Outcome<ChannelMembers>>(
        store.State.Channel is { } channel ? new ChannelMembers(channel.OwnerId, [.. store.State.Members]) : Channel.NotFound());

    /// <inheritdoc/>
    public Task<ChannelAdmission> CheckAsync(Guid userId) => Task.FromResult(Channel.Check(store.State, userId));

    private IChannelDirectoryGrain Directory => GrainFactory.GetGrain<IChannelDirectoryGrain>(ChannelDirectory.Key);

    private IRoomGrain Room => GrainFactory.GetGrain<IRoomGrain>(ChannelInfo.RoomOf(this.GetPrimaryKey()));

    private static Fault Unavailable() => new(FaultCode.Unavailable, "The channel cannot be stored now. Try again.");

    private async Task FinishEndAsync()
    {
        await Directory.RemoveAsync(this.GetPrimaryKey());
        await Room.CloseAsync(LeaveReason.RoomClosed);
        LogEnded(logger, this.GetPrimaryKey());
    }

    /// <summary>A store that refuses leaves the channel as it was.</summary>
    private async Task<bool> TrySaveAsync(ChannelInfo? channel, List<Guid>? banned = null, List<Guid>? members = null)
    {
        var before = store.State;
        store.State = new ChannelState
        {
            Channel = channel,
            Banned = banned ?? before.Banned,
            Members = channel is null ? [] : members ?? before.Members,
        };
        try
        {
            await store.WriteStateAsync();
            return true;
        }
        catch (Exception e)
        {
            store.State = before;
            if (e is InconsistentStateException)
            {
                throw;
            }

            LogStoreAway(logger, e, this.GetPrimaryKey());
            return false;
        }
    }

    [LoggerMessage(4300, LogLevel.Information, "Channel {Channel} ({Name}) made by {Owner}")]
    private static partial void LogCreated(ILogger logger, Guid channel, string name, Guid owner);

    [LoggerMessage(4301, LogLevel.Information, "Channel {Channel} ended")]
    private static partial void LogEnded(ILogger logger, Guid channel);

    [LoggerMessage(4302, LogLevel.Warning, "Channel {Channel}: the store does not take the change, so it has not happened")]
    private static partial void LogStoreAway(ILogger logger, Exception exception, Guid channel);
}
