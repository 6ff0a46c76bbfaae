using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary><c>POST /api/v1/auth/token {"username":"alice"}</c>. Without dev tokens there is no such thing: 404.</summary>
internal static class DevTokenEndpoint
{
    /// <summary>More than any request of this shape needs, in bytes.</summary>
    private const int MaxBodyBytes = 4096;

    private static readonly Refusal NotFound = new(StatusCodes.Status404NotFound, "NOT_FOUND", "There is nothing here.");
    private static readonly Refusal BadBody = new(StatusCodes.Status400BadRequest, "INVALID", "The body must be a JSON object with a username.");
    private static readonly Refusal BadUsername = new(
        StatusCodes.Status400BadRequest, "INVALID", $"A username has 1 to {DevTokens.MaxUsernameLength} letters, digits or . _ - @ characters.");

    public static async Task HandleAsync(HttpContext context)
    {
        var tokens = context.RequestServices.GetRequiredService<DevTokens>();
        if (!tokens.Enabled)
        {
            await context.RefuseAsync(NotFound).ConfigureAwait(false);
            return;
        }

        if (await ReadBodyAsync(context).ConfigureAwait(false) is not { } body)
        {
            await context.RefuseAsync(BadBody).ConfigureAwait(false);
            return;
        }

        using var document = body;
        var username = StrictJson.TextOf(document.RootElement, "username", DevTokens.MaxUsernameLength);
        if (!DevTokens.IsUsername(username))
        {
            await context.RefuseAsync(BadUsername).ConfigureAwait(false);
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsJsonAsync(tokens.Issue(username!), context.RequestAborted).ConfigureAwait(false);
    }

    private static async Task<JsonDocument?> ReadBodyAsync(HttpContext context)
    {
        // Read as text whatever its media type says: `curl -d` names none.
        var buffer = new byte[MaxBodyBytes + 1];
        var length = 0;
        int read;
        while (length < buffer.Length
            && (read = await context.Request.Body.ReadAsync(buffer.AsMemory(length), context.RequestAborted).ConfigureAwait(false)) > 0)
        {
            length += read;
        }

        return length > MaxBodyBytes ? null : StrictJson.TryParseObject(buffer.AsMemory(0, length));
    }
}
