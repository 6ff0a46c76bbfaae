using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;

namespace VoiceCluster.Grains.Channels;

/// <summary>The rules of a channel without any runtime.</summary>
public static class Channel
{
    /// <summary>Characters of a name.</summary>
    public const int MaxName = 100;

    /// <summary>Characters of a description.</summary>
    public const int MaxDescription = 1_000;

    /// <summary>A new channel.</summary>
    public static Outcome<ChannelInfo> Create(Guid id, CreateChannel request, DateTimeOffset now, ChannelOptions options) => Check(
        new ChannelInfo(id, request.Name, request.Description, request.OwnerId, request.MaxUsers ?? options.MaxUsersPerChannel, now, request.IsPrivate), options);

    /// <summary>The channel after a change by a user.</summary>
    public static Outcome<ChannelInfo> Update(ChannelInfo? channel, Guid userId, UpdateChannel change, ChannelOptions options) =>
        CheckOwner(channel, userId) is { } fault
            ? fault
            : Check(
                channel! with
                {
                    Name = change.Name ?? channel.Name,
                    Description = change.Description ?? channel.Description,
                    MaxUsers = change.MaxUsers ?? channel.MaxUsers,
                    IsPrivate = change.IsPrivate ?? channel.IsPrivate,
                },
                options);

    /// <summary>Null when the channel exists and the user owns it.</summary>
    public static Fault? CheckOwner(ChannelInfo? channel, Guid userId) =>
        channel is null ? NotFound()
        : channel.OwnerId == userId ? null
        : new Fault(FaultCode.Forbidden, "Only the owner may change the channel.");

    /// <summary>Bans a user. False when it was banned already; the oldest ban gives way when there are too many.</summary>
    public static bool Ban(ChannelState state, Guid userId, int maxBans)
    {
        if (state.Banned.Contains(userId))
        {
            return false;
        }

        state.Banned.Add(userId);
        if (state.Banned.Count > maxBans)
        {
            state.Banned.RemoveAt(0);
        }

        return true;
    }

    /// <summary>What the channel says about a user.</summary>
    public static ChannelAdmission Check(ChannelState state, Guid userId) =>
        new(
            state.Channel is not null,
            state.Banned.Contains(userId),
            state.Channel?.MaxUsers ?? 0,
            state.Channel is { IsPrivate: true } channel && channel.OwnerId != userId && !state.Members.Contains(userId));

    /// <summary>There is no such channel.</summary>
    public static Fault NotFound() => new(FaultCode.NotFound, "The channel does not exist.");

    private static Outcome<ChannelInfo> Check(ChannelInfo channel, ChannelOptions options)
    {
        if (string.IsNullOrWhiteSpace(channel.Name) || channel.Name.Length > MaxName)
        {
            return new Fault(FaultCode.Invalid, $"A channel's name has 1 to {MaxName} characters.");
        }

        if (channel.Description?.Length > MaxDescription)
        {
            return new Fault(FaultCode.Invalid, $"A channel's description has {MaxDescription} characters at most.");
        }

        return channel.MaxUsers < 1 || channel.MaxUsers > options.MaxUsersPerChannel
            ? new Fault(FaultCode.Invalid, $"A channel has 1 to {options.MaxUsersPerChannel} users.")
            : channel;
    }
}
