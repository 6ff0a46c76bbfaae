using Microsoft.AspNetCore.Mvc;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>A member in an answer; <c>role</c> is owner or member.</summary>
internal sealed record MemberAnswer(Guid UserId, string Role);

/// <summary>Members of channels over REST: <c>/api/channels/{id}/members</c>.</summary>
internal static class MemberRoutes
{
    public static void Map(RouteGroupBuilder channels)
    {
        channels.MapGet("/{channelId}/members", ListAsync).WithDocs(MemberDocs.List);
        channels.MapPost("/{channelId}/members", AddAsync).RequireOwnerUnlessOpen("channel").WithDocs(MemberDocs.Add);
        channels.MapDelete("/{channelId}/members/{userId}", RemoveAsync).RequireOwnerUnlessOpen("channel").WithDocs(MemberDocs.Remove);
    }

    private static Task<IResult> ListAsync(string channelId, [FromServices] IGrainFactory grains) => ChannelsDoor.WithChannelAsync(channelId, async id =>
    {
        var members = await grains.GetGrain<IChannelGrain>(id).GetMembersAsync().ConfigureAwait(false);
        return members.Fault is { } fault
            ? ChannelJson.Error(fault)
            : ChannelJson.Answer<IEnumerable<MemberAnswer>>(
                [new(members.Value!.OwnerId, "owner"), .. members.Value.Members.Select(m => new MemberAnswer(m, "member"))]);
    });

    private static Task<IResult> AddAsync(HttpContext context, string channelId, [FromServices] IGrainFactory grains) =>
        ChannelsDoor.WithChannelAsync(channelId, async id =>
        {
            if (await JsonBody.ReadObjectAsync(context).ConfigureAwait(false) is not { } body || !JsonBody.TryReadId(body, "user_id", out var user))
            {
                return ChannelJson.Invalid("user_id must be a UUID.");
            }

            if (ChannelsDoor.CallerOf(context, body) is not { } caller)
            {
                return ChannelsDoor.NoCaller();
            }

            var added = await grains.GetGrain<IChannelGrain>(id).AddMemberAsync(caller, user).ConfigureAwait(false);
            return added.Fault is { } fault
                ? ChannelJson.Error(fault)
                : ChannelJson.Answer(new MemberAnswer(user, caller == user ? "owner" : "member"), StatusCodes.Status201Created);
        });

    private static Task<IResult> RemoveAsync(HttpContext context, string channelId, string userId, [FromServices] IGrainFactory grains) =>
        ChannelsDoor.WithChannelAsync(channelId, async id =>
        {
            if (!JsonBody.TryReadId(userId, out var user))
            {
                return ChannelJson.Invalid("The user id must be a UUID.");
            }

            if (ChannelsDoor.CallerOf(context, default) is not { } caller)
            {
                return ChannelsDoor.NoCaller();
            }

            var removed = await grains.GetGrain<IChannelGrain>(id).RemoveMemberAsync(caller, user).ConfigureAwait(false);
            return removed.Fault is { } fault ? ChannelJson.Error(fault) : Results.NoContent();
        });
}
