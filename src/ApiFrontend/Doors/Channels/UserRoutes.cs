using Microsoft.AspNetCore.Mvc;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.ApiFrontend.Identity;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>A user in an answer.</summary>
internal sealed record UserAnswer(Guid Id, string Username, DateTime CreatedAt)
{
    public static UserAnswer Of(AccountInfo account) => new(account.Id, account.Username, account.CreatedAt.UtcDateTime);
}

/// <summary>Users over REST: <c>/api/users</c>.</summary>
internal static class UserRoutes
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var users = routes.MapGroup("/api/users").AddEndpointFilter<ChannelsGuard>().RequireIdentityUnlessOpen();
        users.MapPost("", CreateAsync).WithDocs(UserDocs.Create);
        users.MapGet("/{userId}", GetAsync).WithDocs(UserDocs.Get);
    }

    /// <summary>The account of the token's user; without a token, in Open mode, of whoever the username stands for.</summary>
    private static async Task<IResult> CreateAsync(HttpContext context, [FromServices] IGrainFactory grains)
    {
        if (await JsonBody.ReadObjectAsync(context).ConfigureAwait(false) is not { } body)
        {
            return ChannelJson.Invalid("The body must be a JSON object.");
        }

        var username = StrictJson.TextOf(body, "username", DevTokens.MaxUsernameLength);
        if (!DevTokens.IsUsername(username))
        {
            return ChannelJson.Invalid($"username has 1 to {DevTokens.MaxUsernameLength} letters, digits or . _ - @ characters.");
        }

        var userId = context.GetIdentity()?.UserId ?? UserIdentity.FromText(username!);
        var account = await grains.GetGrain<IAccountGrain>(userId).CreateAsync(username!).ConfigureAwait(false);
        return account.Fault is { } fault
            ? fault.Code == FaultCode.Conflict ? ChannelJson.Error(409, "USERNAME_TAKEN", fault.Message) : ChannelJson.Error(fault)
            : ChannelJson.Answer(UserAnswer.Of(account.Value!), StatusCodes.Status201Created);
    }

    private static async Task<IResult> GetAsync(string userId, [FromServices] IGrainFactory grains)
    {
        if (!JsonBody.TryReadId(userId, out var id))
        {
            return ChannelJson.Invalid("The user id must be a UUID.");
        }

        var account = await grains.GetGrain<IAccountGrain>(id).GetAsync().ConfigureAwait(false);
        return account.Fault is { } fault
            ? fault.Code == FaultCode.NotFound ? ChannelJson.Error(404, "USER_NOT_FOUND", fault.Message) : ChannelJson.Error(fault)
            : ChannelJson.Answer(UserAnswer.Of(account.Value!));
    }
}
