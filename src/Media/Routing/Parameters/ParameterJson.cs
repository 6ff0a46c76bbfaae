using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>mediasoup's field names: camelCase, no nulls, unknown fields passed over.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = 12,
    Converters = [typeof(MediaKindConverter), typeof(DirectionConverter)])]
[JsonSerializable(typeof(RtpParameters))]
[JsonSerializable(typeof(RtpCapabilities))]
internal sealed partial class ParameterJsonContext : JsonSerializerContext;

internal sealed class MediaKindConverter() : JsonStringEnumConverter<MediaKind>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

internal sealed class DirectionConverter() : JsonStringEnumConverter<HeaderExtensionDirection>(LowerCase.Policy, allowIntegerValues: false)
{
    private sealed class LowerCase : JsonNamingPolicy
    {
        public static readonly LowerCase Policy = new();

        public override string ConvertName(string name) => name.ToLowerInvariant();
    }
}

/// <summary>Parses and validates in one step.</summary>
internal static class ParameterJson
{
    /// <summary>Characters of the longest parameters read. A browser's capabilities are about 12,000.</summary>
    public const int MaxLength = 128 * 1024;

    public static bool TryParse<T>(string? json, JsonTypeInfo<T> type, Func<T, string?> check, [NotNullWhen(true)] out T? value, [NotNullWhen(false)] out string? error)
        where T : class
    {
        value = null;
        if (json is null || json.Length > MaxLength)
        {
            error = "The parameters are missing or too long.";
            return false;
        }

        T? parsed;
        try
        {
            parsed = JsonSerializer.Deserialize(json, type);
        }
        catch (JsonException e)
        {
            error = e.Path is null ? "The parameters are not JSON of the expected shape." : $"The parameters are malformed at {e.Path}.";
            return false;
        }

        if (parsed is null)
        {
            error = "The parameters are null.";
            return false;
        }

        error = check(parsed);
        if (error is not null)
        {
            return false;
        }

        value = parsed;
        return true;
    }
}
