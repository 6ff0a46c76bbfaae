using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>JSON of tokens and key sets: shallow, no name twice, no text that is not text.</summary>
internal static class StrictJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    /// <summary>One object, or null. The caller disposes it.</summary>
    public static JsonDocument? TryParseObject(ReadOnlyMemory<byte> utf8)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(utf8, Options);
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            // A name with an escape of half a surrogate pair has no text to compare.
            return null;
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            return document;
        }

        document.Dispose();
        return null;
    }

    /// <summary>A text within its bound, or null. An escape of half a surrogate pair is no text.</summary>
    public static string? TextOf(JsonElement value, int maxLength)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return value.GetString() is { } text && text.Length <= maxLength ? text : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The text of a member, or null when it is absent or no text.</summary>
    public static string? TextOf(JsonElement value, string name, int maxLength)
        => value.TryGetProperty(name, out var member) ? TextOf(member, maxLength) : null;
}
