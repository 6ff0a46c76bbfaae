using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.ApiFrontend.Identity;
using VoiceCluster.ApiFrontend.WebSockets;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>Channels over REST: <c>/api/channels</c>.</summary>
public static class ChannelsDoor
{
    // Longer than any rule allows: the rule's own message tells the bound.
    private const int MaxText = 4_000;

    private const int MaxListed = 1_000;

    /// <summary>Registers what the door needs; the host gives an IGrainFactory.</summary>
    public static IServiceCollection AddChannels(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddMessageSockets();
        services.AddOptions<AudioOptions>().Bind(configuration.GetSection(AudioOptions.Section)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AudioOptions>, AudioOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, WebSocketOnlyPolicy>());
        services.AddSingleton<RelayAddress>();
        services.AddSingleton<ChannelSocketServices>();
        services.AddSingleton<ChannelSockets>();
        return services;
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapChannels(this IEndpointRouteBuilder routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        var channels = routes.MapGroup("/api/channels").AddEndpointFilter<ChannelsGuard>().RequireIdentityUnlessOpen();
        channels.MapPost("", CreateAsync).WithDocs(ChannelDocs.Create);
        channels.MapGet("", ListAsync).WithDocs(ChannelDocs.List);
        channels.MapGet("/{channelId}", GetAsync).WithDocs(ChannelDocs.Get);
        channels.MapPatch("/{channelId}", UpdateAsync).RequireOwnerUnlessOpen("channel").WithDocs(ChannelDocs.Update);
        channels.MapDelete("/{channelId}", DeleteAsync).RequireOwnerUnlessOpen("channel").WithDocs(ChannelDocs.Delete);
        channels.MapPut("/{channelId}/bans/{userId}", (HttpContext context, string channelId, string userId, [FromServices] IGrainFactory grains) =>
            SetBanAsync(context, channelId, userId, isBanned: true, grains)).RequireOwnerUnlessOpen("channel").WithDocs(ChannelDocs.Ban);
        channels.MapDelete("/{channelId}/bans/{userId}", (HttpContext context, string channelId, string userId, [FromServices] IGrainFactory grains) =>
            SetBanAsync(context, channelId, userId, isBanned: false, grains)).RequireOwnerUnlessOpen("channel").WithDocs(ChannelDocs.Unban);
        MemberRoutes.Map(channels);
        UserRoutes.Map(routes);
        AudioRoutes.Map(routes, channels);

        // The page has the same address: only an upgrade comes here. Clients show who they are by their first message.
        routes.Map("/", (HttpContext context, [FromServices] ChannelSockets sockets) => sockets.AcceptAsync(context))
            .WithMetadata(WebSocketOnly.Instance).AllowAnonymous().ExcludeFromDescription();
        return routes;
    }

    private static async Task<IResult> CreateAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        if (await JsonBody.ReadObjectAsync(context).ConfigureAwait(false) is not { } body)
        {
            return ChannelJson.Invalid("The body must be a JSON object.");
        }

        if (ReadFields(body, out var name, out var description, out var maxUsers, out var isPrivate) is { } wrong)
        {
            return ChannelJson.Invalid(wrong);
        }

        if (name is null)
        {
            return ChannelJson.Invalid("name must be a text.");
        }

        if (CallerOf(context, body) is not { } owner)
        {
            return ChannelJson.Invalid("owner_id must name the owner, or the request must carry a token.");
        }

        var channel = await grains.GetGrain<IChannelGrain>(Guid.NewGuid())
            .CreateAsync(new CreateChannel(owner, name, description, maxUsers, isPrivate ?? false)).ConfigureAwait(false);
        return channel.Fault is { } fault
            ? ChannelJson.Error(fault)
            : ChannelJson.Answer(ChannelAnswer.Of(channel.Value!, users: 0), StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        Guid? owner = null;
        if (context.Request.Query.TryGetValue("owner_id", out var text))
        {
            if (!JsonBody.TryReadId(text, out var id))
            {
                return ChannelJson.Invalid("owner_id must be a UUID.");
            }

            owner = id;
        }

        var channels = await grains.GetGrain<IChannelDirectoryGrain>(ChannelDirectory.Key).ListAsync(owner).ConfigureAwait(false);
        return ChannelJson.Answer(channels.Take(MaxListed).Select(c => ChannelAnswer.Of(c)));
    }

    private static Task<IResult> GetAsync(string channelId, [FromServices] IGrainFactory grains) => WithChannelAsync(channelId, async id =>
    {
        var channel = await grains.GetGrain<IChannelGrain>(id).GetAsync().ConfigureAwait(false);
        if (channel.Fault is { } fault)
        {
            return ChannelJson.Error(fault);
        }

        var room = await grains.GetGrain<IRoomGrain>(channel.Value!.Room).GetSnapshotAsync().ConfigureAwait(false);
        return ChannelJson.Answer(ChannelAnswer.Of(channel.Value, room.Participants.Select(p => p.UserId).Distinct().Count()));
    });

    private static Task<IResult> UpdateAsync(HttpContext context, string channelId, [FromServices] IGrainFactory grains) =>
        WithChannelAsync(channelId, async id =>
        {
            if (await JsonBody.ReadObjectAsync(context).ConfigureAwait(false) is not { } body)
            {
                return ChannelJson.Invalid("The body must be a JSON object.");
            }

            if (ReadFields(body, out var name, out var description, out var maxUsers, out var isPrivate) is { } wrong)
            {
                return ChannelJson.Invalid(wrong);
            }

            if (CallerOf(context, body) is not { } caller)
            {
                return NoCaller();
            }

            var channel = await grains.GetGrain<IChannelGrain>(id)
                .UpdateAsync(caller, new UpdateChannel(name, description, maxUsers, isPrivate)).ConfigureAwait(false);
            return channel.Fault is { } fault ? ChannelJson.Error(fault) : ChannelJson.Answer(ChannelAnswer.Of(channel.Value!));
        });

    private static Task<IResult> DeleteAsync(HttpContext context, string channelId, [FromServices] IGrainFactory grains) =>
        WithChannelAsync(channelId, async id =>
        {
            if (CallerOf(context, default) is not { } caller)
            {
                return NoCaller();
            }

            var deleted = await grains.GetGrain<IChannelGrain>(id).DeleteAsync(caller).ConfigureAwait(false);
            return deleted.Fault is { } fault ? ChannelJson.Error(fault) : Results.NoContent();
        });

    private static Task<IResult> SetBanAsync(HttpContext context, string channelId, string userId, bool isBanned, IGrainFactory grains) =>
        WithChannelAsync(channelId, async id =>
        {
            if (!JsonBody.TryReadId(userId, out var user))
            {
                return ChannelJson.Invalid("The user id must be a UUID.");
            }

            if (CallerOf(context, default) is not { } caller)
            {
                return NoCaller();
            }

            var grain = grains.GetGrain<IChannelGrain>(id);
            var channel = await grain.GetAsync().ConfigureAwait(false);
            if (channel.Fault is { } unknown)
            {
                return ChannelJson.Error(unknown);
            }

            if (channel.Value!.OwnerId != caller)
            {
                return ChannelJson.Error(new Fault(FaultCode.Forbidden, "Only the owner may ban users."));
            }

            var done = await (isBanned ? grain.BanAsync(user) : grain.UnbanAsync(user)).ConfigureAwait(false);
            return done.Fault is { } fault ? ChannelJson.Error(fault) : Results.NoContent();
        });

    internal static async Task<IResult> WithChannelAsync(string channelId, Func<Guid, Task<IResult>> request) =>
        JsonBody.TryReadId(channelId, out var id)
            ? await request(id).ConfigureAwait(false)
            : ChannelJson.Invalid("The channel id must be a UUID.");

    internal static IResult NoCaller() =>
        ChannelJson.Error(401, "UNAUTHENTICATED", "A token, or in open mode the caller's owner_id, is required.");

    /// <summary>The token's user. Open mode takes the identity from the request instead: <c>owner_id</c> in the body or the address.</summary>
    internal static Guid? CallerOf(HttpContext context, JsonElement body)
    {
        if (context.GetIdentity() is { } identity)
        {
            return identity.UserId;
        }

        string? text = body.ValueKind == JsonValueKind.Object && body.TryGetProperty("owner_id", out _)
            ? StrictJson.TextOf(body, "owner_id", 256)
            : context.Request.Query["owner_id"];
        return string.IsNullOrEmpty(text) ? null : UserIdentity.FromText(text);
    }

    /// <summary>The fields of a channel, those that are absent null; or what is wrong with them.</summary>
    private static string? ReadFields(JsonElement body, out string? name, out string? description, out int? maxUsers, out bool? isPrivate)
    {
        (description, maxUsers, isPrivate) = (null, null, null);
        if (!TryReadText(body, "name", out name))
        {
            return "name must be a text.";
        }

        if (!TryReadText(body, "description", out description))
        {
            return "description must be a text.";
        }

        if (body.TryGetProperty("max_users", out var value) && value.ValueKind != JsonValueKind.Null)
        {
            if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number))
            {
                return "max_users must be a whole number.";
            }

            maxUsers = number;
        }

        return JsonBody.TryReadFlag(body, "is_private", out isPrivate) ? null : "is_private must be true or false.";
    }

    private static bool TryReadText(JsonElement body, string name, out string? text)
    {
        text = null;
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        text = StrictJson.TextOf(value, MaxText);
        return text is not null;
    }
}
