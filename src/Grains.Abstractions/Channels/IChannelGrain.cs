using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.Channels;

/// <summary>
/// One voice channel, keyed by its id: its owner, its limit and who is banned. Its media is in the room of the same name;
/// that room asks it before it lets anybody in, whichever door they come through.
/// </summary>
[Alias("vc.IChannelGrain")]
public interface IChannelGrain : IGrainWithGuidKey
{
    /// <summary>Makes the channel. Full when the cluster has as many as it may.</summary>
    Task<Outcome<ChannelInfo>> CreateAsync(CreateChannel request);

    /// <summary>The channel, or NotFound.</summary>
    [AlwaysInterleave]
    Task<Outcome<ChannelInfo>> GetAsync();

    /// <summary>Changes what is given. Forbidden for all but the owner.</summary>
    Task<Outcome<ChannelInfo>> UpdateAsync(Guid userId, UpdateChannel change);

    /// <summary>Deletes the channel and ends everything in its room. Forbidden for all but the owner.</summary>
    Task<Outcome<Done>> DeleteAsync(Guid userId);

    /// <summary>Deletes the channel for whom no owner asked: another system said that it is gone. Deleting one that is absent only ends its room.</summary>
    Task EndAsync();

    /// <summary>Keeps a user out and removes it from the room. Banning twice is no error, and neither is an unknown channel.</summary>
    Task<Outcome<Done>> BanAsync(Guid userId);

    /// <summary>Lets a user in again.</summary>
    Task<Outcome<Done>> UnbanAsync(Guid userId);

    /// <summary>Makes a user a member. Forbidden for all but the owner; adding twice is no error; Full past the limit.</summary>
    Task<Outcome<Done>> AddMemberAsync(Guid callerId, Guid userId);

    /// <summary>Ends a membership; out of a private channel's room, too. Forbidden for all but the owner and the member itself.</summary>
    Task<Outcome<Done>> RemoveMemberAsync(Guid callerId, Guid userId);

    /// <summary>Owner and members, or NotFound.</summary>
    [AlwaysInterleave]
    Task<Outcome<ChannelMembers>> GetMembersAsync();

    /// <summary>
    /// Whether a user may be in the channel. It interleaves, because the room asks while the channel may be waiting for it.
    /// </summary>
    [AlwaysInterleave]
    Task<ChannelAdmission> CheckAsync(Guid userId);
}

/// <summary>All channels of the cluster, key 0: what lists and limits need.</summary>
[Alias("vc.IChannelDirectoryGrain")]
public interface IChannelDirectoryGrain : IGrainWithIntegerKey
{
    /// <summary>Enters a new channel. Full past the limit. Entering it twice is no error.</summary>
    Task<Outcome<Done>> AddAsync(ChannelInfo channel);

    /// <summary>Notes a change of a channel. One that is not here stays out.</summary>
    Task UpdateAsync(ChannelInfo channel);

    /// <summary>Takes a channel out.</summary>
    Task RemoveAsync(Guid channelId);

    /// <summary>Channels in the order of their making; of one owner if one is named.</summary>
    [AlwaysInterleave]
    Task<ChannelInfo[]> ListAsync(Guid? ownerId);
}

/// <summary>The key of the one directory.</summary>
public static class ChannelDirectory
{
    public const long Key = 0;
}
