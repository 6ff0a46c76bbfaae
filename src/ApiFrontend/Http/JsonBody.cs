using System.Text.Json;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Http;

/// <summary>Reads the bodies of requests. What is wrong with them is null, never an exception.</summary>
internal static class JsonBody
{
    /// <summary>The body as an object, or null. One that is too long throws as Kestrel does, and a guard answers it.</summary>
    public static async Task<JsonElement?> ReadObjectAsync(HttpContext context)
    {
        using MemoryStream buffer = new();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted).ConfigureAwait(false);
        using var document = StrictJson.TryParseObject(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
        return document?.RootElement.Clone();
    }

    /// <summary>A UUID with dashes.</summary>
    public static bool TryReadId(string? text, out Guid id) => Guid.TryParseExact(text, "D", out id);

    /// <summary>The UUID in a member.</summary>
    public static bool TryReadId(JsonElement body, string name, out Guid id) => TryReadId(StrictJson.TextOf(body, name, 36), out id);

    /// <summary>The flag in a member; null when it is absent or null. False says that it is something else.</summary>
    public static bool TryReadFlag(JsonElement body, string name, out bool? flag)
    {
        flag = null;
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        flag = value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        };
        return flag is not null;
    }
}
