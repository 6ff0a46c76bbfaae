namespace VoiceCluster.Abstractions.Channels;

/// <summary>A channel.</summary>
/// <param name="MaxUsers">Users in its room at most, over all doors.</param>
/// <param name="IsPrivate">Whether only its owner and its members may come in.</param>
[GenerateSerializer, Immutable, Alias("vc.ChannelInfo")]
public sealed record ChannelInfo(
    [property: Id(0)] Guid Id,
    [property: Id(1)] string Name,
    [property: Id(2)] string? Description,
    [property: Id(3)] Guid OwnerId,
    [property: Id(4)] int MaxUsers,
    [property: Id(5)] DateTimeOffset CreatedAt,
    [property: Id(6)] bool IsPrivate = false)
{
    /// <summary>The room of the channel's media.</summary>
    public string Room => RoomOf(Id);

    /// <summary>The room of a channel's media.</summary>
    public static string RoomOf(Guid channelId) => channelId.ToString("D");
}

/// <summary>A new channel.</summary>
/// <param name="MaxUsers">Null for the cluster's default.</param>
[GenerateSerializer, Immutable, Alias("vc.CreateChannel")]
public sealed record CreateChannel(
    [property: Id(0)] Guid OwnerId, [property: Id(1)] string Name, [property: Id(2)] string? Description, [property: Id(3)] int? MaxUsers,
    [property: Id(4)] bool IsPrivate = false);

/// <summary>What of a channel changes; null stays as it is.</summary>
[GenerateSerializer, Immutable, Alias("vc.UpdateChannel")]
public sealed record UpdateChannel([property: Id(0)] string? Name, [property: Id(1)] string? Description, [property: Id(2)] int? MaxUsers,
    [property: Id(3)] bool? IsPrivate = null);

/// <summary>What a channel says about a user who wants in.</summary>
/// <param name="Exists">False when there is no such channel: then its rules do not apply.</param>
/// <param name="MaxUsers">How many users may be in the room.</param>
/// <param name="IsStranger">The channel is private, and the user no member.</param>
[GenerateSerializer, Immutable, Alias("vc.ChannelAdmission")]
public sealed record ChannelAdmission([property: Id(0)] bool Exists, [property: Id(1)] bool IsBanned, [property: Id(2)] int MaxUsers,
    [property: Id(3)] bool IsStranger = false);

/// <summary>Who belongs to a channel.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChannelMembers")]
public sealed record ChannelMembers([property: Id(0)] Guid OwnerId, [property: Id(1)] Guid[] Members);
