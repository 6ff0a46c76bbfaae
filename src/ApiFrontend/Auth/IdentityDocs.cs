using System.ComponentModel;
using System.Text.Json;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>The identity's route in the OpenAPI document.</summary>
internal static class IdentityDocs
{
    public static DoorDocs Door { get; } = DoorDocs.Of(
        "Identity",
        "Tokens for trying things out, where the server gives them.",
        new JsonSerializerOptions(JsonSerializerDefaults.Web),
        static (_, code, message) => new RefusalBody(new RefusalFault(code, message)));

    public static RouteDocs Token { get; } = Door.Route("issueDevToken", "Get a token for a username")
        .About("Only with Auth:DevTokens, which Standalone has on loopback. The same username always has the same user id.")
        .Body<TokenRequest>("""{"username":"alice"}""")
        .Answer<DevToken>(200, "The token.", """
            {"token":"eyJhbGciOiJIUzI1NiJ9.e30.c2ln","user_id":"5a4b28f4-2b3b-5e8c-9f0e-3d5f0d5e7a11","expires_at":"2026-01-01T12:00:00Z"}
            """)
        .Error(400, "INVALID", "The body must be a JSON object with a username.")
        .Error(400, "INVALID", $"A username has 1 to {DevTokens.MaxUsernameLength} letters, digits or . _ - @ characters.")
        .Error(404, "NOT_FOUND", "There is nothing here.");

    private sealed record TokenRequest([property: Description("1 to 64 letters, digits or . _ - @ characters.")] string Username);

    private sealed record RefusalBody(RefusalFault Error);

    private sealed record RefusalFault(string Code, string Message);
}
