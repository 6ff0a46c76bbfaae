using System.Text.Json;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>Reads bodies. What is wrong is a sentence, never an exception.</summary>
internal static class CallRequests
{
    /// <summary>The longest text of a device.</summary>
    public const int MaxDeviceLength = 128;

    private const int MaxIds = 10_000;

    /// <summary>A UUID with dashes.</summary>
    public static bool TryReadId(string? text, out Guid id) => Guid.TryParseExact(text, "D", out id);

    /// <summary>The fields of a new call, or what is wrong with them.</summary>
    public static string? ReadStart(
        JsonElement body, out Guid chatId, out Guid[] recipientIds, out CallType type)
    {
        recipientIds = [];
        type = default;
        if (!TryReadId(body, "chat_id", out chatId))
        {
            return "chat_id must be a UUID.";
        }

        var hasOne = body.TryGetProperty("recipient_id", out _);
        var hasMany = body.TryGetProperty("recipient_ids", out _);
        if (hasOne == hasMany)
        {
            return "Either recipient_id or recipient_ids must be given.";
        }

        if (hasMany)
        {
            if (!TryReadIds(body, "recipient_ids", out recipientIds))
            {
                return "recipient_ids must be a list of UUIDs.";
            }
        }
        else if (TryReadId(body, "recipient_id", out var recipientId))
        {
            recipientIds = [recipientId];
        }
        else
        {
            return "recipient_id must be a UUID.";
        }

        switch (StrictJson.TextOf(body, "call_type", 16))
        {
            case "voice":
                type = CallType.Voice;
                return null;
            case "video":
                type = CallType.Video;
                return null;
            default:
                return "call_type must be voice or video.";
        }
    }

    /// <summary>The list of members of a new chat.</summary>
    public static bool TryReadMembers(JsonElement body, out Guid[] memberIds) => TryReadIds(body, "member_ids", out memberIds);

    /// <summary>The answer to a call: accept, and optionally which device answers.</summary>
    public static string? ReadAnswer(JsonElement body, out bool accept, out string? device)
    {
        device = null;
        accept = false;
        if (!body.TryGetProperty("accept", out var value) || value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            return "accept must be true or false.";
        }

        accept = value.GetBoolean();
        if (body.TryGetProperty("device", out _))
        {
            device = StrictJson.TextOf(body, "device", MaxDeviceLength);
            return string.IsNullOrEmpty(device) ? $"device must be a text of 1 to {MaxDeviceLength} characters." : null;
        }

        return null;
    }

    /// <summary>The id in a member of an object.</summary>
    public static bool TryReadId(JsonElement body, string name, out Guid id) => TryReadId(StrictJson.TextOf(body, name, 36), out id);

    /// <summary>The body as an object, or null.</summary>
    public static async Task<JsonElement?> ReadBodyAsync(HttpContext context)
    {
        using MemoryStream buffer = new();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted).ConfigureAwait(false);
        using var document = StrictJson.TryParseObject(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
        return document?.RootElement.Clone();
    }

    private static bool TryReadIds(JsonElement body, string name, out Guid[] ids)
    {
        ids = [];
        if (!body.TryGetProperty(name, out var list) || list.ValueKind != JsonValueKind.Array
            || list.GetArrayLength() is 0 or > MaxIds)
        {
            return false;
        }

        List<Guid> read = [];
        foreach (var item in list.EnumerateArray())
        {
            if (!TryReadId(StrictJson.TextOf(item, 36), out var id))
            {
                return false;
            }

            read.Add(id);
        }

        ids = [.. read];
        return true;
    }
}
