using System.ComponentModel;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>This door's routes in the OpenAPI document.</summary>
internal static class ChannelDocs
{
    private const string Channel = "7d9e2a10-3b4c-4d5e-8f60-1a2b3c4d5e05";
    private const string Owner = "5a4b28f4-2b3b-5e8c-9f0e-3d5f0d5e7a11";
    private const string User = "c1d0a7c2-7f5e-5b1d-8a3c-6e2b9f4d1b22";

    private const string Example = $$"""
        {"id":"{{Channel}}","name":"general","description":"For everybody","owner_id":"{{Owner}}","max_users":10,"is_private":false,"user_count":3,"created_at":"2026-01-01T12:00:00Z"}
        """;

    public static DoorDocs Door { get; } = DoorDocs.Of(
        "Channels",
        "Voice channels. A channel's id is the name of its room at every door.",
        ChannelJson.Options,
        static (_, code, message) => new ChannelErrorAnswer(new ChannelErrorBody(code, message)));

    public static RouteDocs Create { get; } = Of("createChannel", "Make a channel")
        .About("Its owner is the token's user; without a token, in Open mode, owner_id.")
        .Body<CreateBody>("""{"name":"general","description":"For everybody","max_users":10}""")
        .Answer<ChannelAnswer>(201, "The channel.", Example)
        .Error(400, "INVALID_REQUEST", "name must be a text.")
        .Error(409, "LIMIT_REACHED", "There are as many channels as there may be.");

    public static RouteDocs List { get; } = Of("listChannels", "All channels")
        .Query("owner_id", "Only the channels of this owner.", Owner, format: "uuid")
        .Answer<ChannelAnswer[]>(200, "The channels, without user_count.", $$"""
            [{"id":"{{Channel}}","name":"general","owner_id":"{{Owner}}","max_users":10,"is_private":false,"created_at":"2026-01-01T12:00:00Z"}]
            """)
        .Error(400, "INVALID_REQUEST", "owner_id must be a UUID.");

    public static RouteDocs Get { get; } = OfChannel("getChannel", "A channel")
        .Answer<ChannelAnswer>(200, "The channel, with how many are in it.", Example);

    public static RouteDocs Update { get; } = OfChannel("updateChannel", "Change a channel")
        .About("Only its owner. What is left out stays.")
        .Body<UpdateBody>("""{"name":"general","max_users":20}""")
        .Answer<ChannelAnswer>(200, "The channel after it.", $$"""
            {"id":"{{Channel}}","name":"general","owner_id":"{{Owner}}","max_users":20,"is_private":false,"created_at":"2026-01-01T12:00:00Z"}
            """)
        .Error(403, "FORBIDDEN", "Only the owner may change the channel.");

    public static RouteDocs Delete { get; } = OfChannel("deleteChannel", "Delete a channel")
        .About("Only its owner. All voice sessions in it end.")
        .Query("owner_id", "The owner, in Open mode without a token.", Owner)
        .Answer(204, "It is deleted.")
        .Error(403, "FORBIDDEN", "Only the owner may delete the channel.");

    public static RouteDocs Ban { get; } = OfBan("banUser", "Ban a user from a channel")
        .Answer(204, "The user is banned, and out of the channel.");

    public static RouteDocs Unban { get; } = OfBan("unbanUser", "Let a banned user in again")
        .Answer(204, "The user may come again.");

    private static RouteDocs Of(string id, string summary)
        => Door.Route(id, summary).Error(503, "UNAVAILABLE", "The cluster cannot do this now. Try again.");

    internal static RouteDocs OfChannel(string id, string summary) => Of(id, summary)
        .Path("channelId", "The channel's id.", Channel, "uuid")
        .Error(400, "INVALID_REQUEST", "The channel id must be a UUID.")
        .Error(404, "CHANNEL_NOT_FOUND", "There is no such channel.");

    private static RouteDocs OfBan(string id, string summary) => OfChannel(id, summary)
        .About("Only the channel's owner.")
        .Path("userId", "The user's id.", User, "uuid")
        .Query("owner_id", "The owner, in Open mode without a token.", Owner)
        .Error(403, "FORBIDDEN", "Only the owner may ban users.");

    private sealed record CreateBody(
        string Name,
        string? Description,
        [property: Description("How many may be in it.")] int? MaxUsers,
        [property: Description("Whether only its owner and members may come in.")] bool? IsPrivate,
        [property: Description("The owner, in Open mode without a token.")] string? OwnerId);

    private sealed record UpdateBody(
        string? Name,
        string? Description,
        int? MaxUsers,
        bool? IsPrivate,
        [property: Description("The owner, in Open mode without a token.")] string? OwnerId);
}
