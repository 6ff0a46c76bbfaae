using System.ComponentModel;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>Routes of users in the OpenAPI document.</summary>
internal static class UserDocs
{
    private const string User = "5a4b28f4-2b3b-5e8c-9f0e-3d5f0d5e7a11";

    private const string Example = $$"""{"id":"{{User}}","username":"alice","created_at":"2026-01-01T12:00:00Z"}""";

    public static RouteDocs Create { get; } = ChannelDocs.Door.Route("createUser", "Make a user's account")
        .About("A username is one user's. With a token the account is the token's user's; without one, in Open mode, the username's.")
        .Body<CreateUserBody>("""{"username":"alice"}""")
        .Answer<UserAnswer>(201, "The account.", Example)
        .Error(400, "INVALID_REQUEST", "username has 1 to 64 letters, digits or . _ - @ characters.")
        .Error(409, "USERNAME_TAKEN", "The username is taken.")
        .Error(503, "UNAVAILABLE", "The cluster cannot do this now. Try again.");

    public static RouteDocs Get { get; } = ChannelDocs.Door.Route("getUser", "A user")
        .Path("userId", "The user's id.", User, "uuid")
        .Answer<UserAnswer>(200, "The account.", Example)
        .Error(400, "INVALID_REQUEST", "The user id must be a UUID.")
        .Error(404, "USER_NOT_FOUND", "The user does not exist.")
        .Error(503, "UNAVAILABLE", "The cluster cannot do this now. Try again.");

    private sealed record CreateUserBody([property: Description("1 to 64 letters, digits or . _ - @")] string Username);
}
