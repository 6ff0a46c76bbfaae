using System.ComponentModel;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>Routes of members, and of a channel's sound, in the OpenAPI document.</summary>
internal static class MemberDocs
{
    private const string User = "c1d0a7c2-7f5e-5b1d-8a3c-6e2b9f4d1b22";
    private const string Owner = "5a4b28f4-2b3b-5e8c-9f0e-3d5f0d5e7a11";

    public static RouteDocs List { get; } = ChannelDocs.OfChannel("listMembers", "Who belongs to a channel")
        .Answer<MemberAnswer[]>(200, "The owner, and the members in the order of their adding.", $$"""
            [{"user_id":"{{Owner}}","role":"owner"},{"user_id":"{{User}}","role":"member"}]
            """);

    public static RouteDocs Add { get; } = ChannelDocs.OfChannel("addMember", "Make a user a member")
        .About("Only the channel's owner. A private channel lets in its owner and members alone, at every door.")
        .Body<AddMemberBody>($$"""{"user_id":"{{User}}"}""")
        .Answer<MemberAnswer>(201, "The member.", $$"""{"user_id":"{{User}}","role":"member"}""")
        .Error(403, "FORBIDDEN", "Only the owner may change the channel.")
        .Error(409, "LIMIT_REACHED", "The channel has 10000 members, and no more are allowed.");

    public static RouteDocs Remove { get; } = ChannelDocs.OfChannel("removeMember", "End a membership")
        .About("The channel's owner, or the member. Out of a private channel the user is put at once.")
        .Path("userId", "The user's id.", User, "uuid")
        .Query("owner_id", "The owner, in Open mode without a token.", Owner)
        .Answer(204, "The user is no member.")
        .Error(403, "FORBIDDEN", "Only the owner may change the channel.");

    public static RouteDocs Statistics { get; } = ChannelDocs.OfChannel("getAudioStatistics", "How a channel's sound flows")
        .About("Sums since the channel's room was opened at its media node, over all doors; loss and jitter of the voices that are there now.")
        .Answer<AudioStatisticsAnswer>(200, "The numbers now.", """
            {"channel_id":"7d9e2a10-3b4c-4d5e-8f60-1a2b3c4d5e05","users":2,"clients":2,"packets_received":1500,"bytes_received":120000,"packets_routed":1490,"bytes_routed":119200,"packets_dropped":3,"packets_expired":1,"packets_lost":7,"packet_loss":0.0047,"jitter_ms":1.2,"latency_ms":{"p50":0.4,"p99":1.9}}
            """);

    public static RouteDocs Config { get; } = ChannelDocs.Door.Route("getAudioConfig", "How clients send sound over UDP")
        .Answer<AudioConfigAnswer>(200, "The relay's settings.", """
            {"udp_port":3002,"sample_rate":48000,"channels":2,"buffer_size":1024,"max_packet_size":1500,"codec":"opus","frame_ms":20,"header_bytes":51,"encryption":"aes-128-gcm"}
            """)
        .Error(503, "UNAVAILABLE", "The cluster cannot do this now. Try again.");

    private sealed record AddMemberBody(
        string UserId,
        [property: Description("The owner, in Open mode without a token.")] string? OwnerId);
}
